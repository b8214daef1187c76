"""`medulla finetune`: fine-tunes an encoder on labelled tiles or on the outcome of patients."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.standalone.commands.options import (
    AsJson,
    DefaultMpp,
    EmbeddingFolder,
    MapFile,
    ProfileFile,
)
from services.standalone.console import exit_codes, loading, print_json, say
from services.standalone.training_data import CohortReading, Labels, Outcomes

if TYPE_CHECKING:
    from services.embedder.manifest import EncoderManifest
    from services.trainer.finetune.settings import Settings

_CAUTION = "The encoder has seen these patients: evaluate it on others. Research use only."

Tiles = Annotated[
    Path | None, typer.Option(help="Labelled tiles, DIR/{class}/{patient}__*.png or .jpg; also s3://BUCKET/KEY.")
]
Table = Annotated[Path | None, typer.Option(help="cohort.csv: learn from outcome; needs --slides and --embeddings.")]
SlideSource = Annotated[
    Path | None,
    typer.Option("--slides", help="Folder with slides/{case_id}/, as for `medulla embed`; or s3://BUCKET of services."),
]
Out = Annotated[Path, typer.Option(help="Folder of the encoder; its logs/ is for TensorBoard. Or s3://BUCKET/KEY.")]
Base = Annotated[Path, typer.Option(help="Folder of the encoder to start from.", show_default="the one that ships")]
Name = Annotated[str | None, typer.Option(help="Name of the new encoder; else derived from the old one's.")]
TileUm = Annotated[float | None, typer.Option(help="Side of a labelled tile, microns; else the encoder's.", min=1)]
Unlabelled = Annotated[
    Path | None,
    typer.Option(help="Tiles without labels, DIR/{patient}__*.png or .jpg: the encoder is adapted to them first."),
]
Epochs = Annotated[int, typer.Option(help="Most epochs.", min=1)]
Patience = Annotated[int, typer.Option(help="Epochs without gain before it stops.", min=1)]
Share = Annotated[float, typer.Option(help="Share of the layers, from the last, that is trained.", min=0, max=1)]
Rate = Annotated[float, typer.Option(help="Rate at which these layers and the head learn.", min=0)]
Pull = Annotated[float, typer.Option(help="How strongly weights are held back to where they start (L2-SP).", min=0)]
Folds = Annotated[int, typer.Option(help="Parts of the patients that judge the encoder, each unseen.", min=2, max=10)]
BatchTiles = Annotated[int, typer.Option(help="Tiles of a step, over all processes.", min=1)]
HeldOut = Annotated[float, typer.Option(help="Share of the other patients that says when to stop.", min=0.02, max=0.5)]
Stain = Annotated[float, typer.Option(help="Largest change of a stain; 0 for none.", min=0, max=1)]
Top = Annotated[int, typer.Option(help="Most attended tiles of a patient to learn from.", min=1)]
Seed = Annotated[int, typer.Option(help="The same seed and data give the same encoder.", min=0)]


class Precision(StrEnum):
    """Floating-point format of training: `auto` is bfloat16 on a GPU, full on a CPU."""

    AUTO = "auto"
    FULL = "full"
    BFLOAT16 = "bfloat16"


def finetune(
    out: Out,
    tiles: Tiles = None,
    cohort: Table = None,
    slides: SlideSource = None,
    embeddings: EmbeddingFolder = None,
    profile: ProfileFile = None,
    columns: MapFile = None,
    encoder: Base = DEFAULT_ENCODER,
    name: Name = None,
    tile_um: TileUm = None,
    default_mpp: DefaultMpp = None,
    unlabelled: Unlabelled = None,
    epochs: Epochs = 15,
    patience: Patience = 4,
    share: Share = 0.5,
    rate: Rate = 1e-5,
    pull: Pull = 0.1,
    batch: BatchTiles = 32,
    folds: Folds = 3,
    held_out: HeldOut = 0.25,
    stain: Stain = 0.05,
    top: Top = 32,
    precision: Precision = Precision.AUTO,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Fine-tune an encoder on labelled tiles or on outcome; a stopped run goes on where it was.

    Unless patients that tuning has not seen gain by it, the frozen encoder is what is written, with a probe.

    On several GPUs: torchrun --nproc-per-node N -m services.standalone finetune ...

    On several machines with --nnodes, as services/trainer/README.md says.
    """
    source = _source(tiles, cohort, slides, embeddings, CohortReading(profile, columns, default_mpp), tile_um)
    _check_adapting(unlabelled, share)
    with loading():
        from services.trainer.finetune.settings import Settings
    schedule = Settings(epochs=epochs, patience=patience, seed=seed, batch=batch, top=top, folds=folds, pull=pull)
    settings = replace(schedule, share=share, rate=rate, precision=precision.value, held_out=held_out, stain=stain)
    _finetune(encoder, source, unlabelled, settings, out, name, tile_um, as_json=as_json)


def _check_adapting(unlabelled: Path | None, share: float) -> None:
    if unlabelled and not share:
        raise typer.BadParameter("--unlabelled adapts the last layers: it needs a --share above 0")


def _finetune(
    encoder: Path,
    source: Labels | Outcomes,
    unlabelled: Path | None,
    settings: "Settings",
    out: Path,
    name: str | None,
    tile_um: float | None,
    *,
    as_json: bool,
) -> None:
    with loading():
        from services.standalone.finetuned_encoder import Job, finetuned
        from services.standalone.training_copies import local_job
        from services.trainer.bucket.copies import keeps
    wanted = Job(encoder, source, unlabelled, settings, out, name, tile_um)
    with exit_codes(goes_on=keeps(out)), local_job(wanted) as job:
        manifest = finetuned(job)
    _print_encoder(manifest, out, as_json=as_json)


def _print_encoder(manifest: "EncoderManifest | None", out: Path, *, as_json: bool) -> None:
    """Print what was made; None in the processes of torchrun beside the first."""
    if not manifest:
        return
    from services.standalone.encoder_lines import training_lines
    from services.trainer.bucket.s3_uri import as_typed

    if as_json:
        print_json(manifest.model_dump(mode="json"))
    else:
        head = f"{as_typed(out)}: encoder {manifest.name}, {manifest.dim} features, digest {manifest.digest}"
        say("\n".join([head, *training_lines(manifest.training), _CAUTION]))


def _source(
    tiles: Path | None,
    cohort: Path | None,
    slides: Path | None,
    embeddings: Path | None,
    reading: CohortReading,
    tile_um: float | None,
) -> Labels | Outcomes:
    """The training data that the options name; refuses options that do not go together."""
    if (tiles is None) == (cohort is None):
        raise typer.BadParameter("give either --tiles, or --cohort with --slides and --embeddings")
    if cohort and tile_um:
        raise typer.BadParameter("--tile-um is for labelled tiles; slides are cut as the encoder of --encoder says")
    if cohort and slides and embeddings:
        return Outcomes(cohort, slides, embeddings, reading)
    if tiles is None or slides or embeddings:
        raise typer.BadParameter("--cohort, --slides and --embeddings belong together")
    return Labels(tiles)
