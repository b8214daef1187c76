"""`medulla finetune`: fine-tunes an encoder on labelled tiles or on the outcome of patients."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from services.embedder.manifest import DEFAULT_ENCODER, EncoderManifest
from services.standalone.cohorts import DefaultMpp, EmbeddingFolder, MapFile, ProfileFile, SlideFolder, trainer
from services.standalone.console import AsJson, print_json, say
from services.standalone.models import training_lines

_CAUTION = "The encoder has seen these patients: evaluate it on others. Research use only."


Tiles = Annotated[Path | None, typer.Option(help="Labelled tiles, DIR/{class}/{patient}__*.png or .jpg.")]
Table = Annotated[Path | None, typer.Option(help="cohort.csv: learn from outcome; needs --slides and --embeddings.")]
Base = Annotated[Path, typer.Option(help="Folder of the encoder to start from.")]
Name = Annotated[str | None, typer.Option(help="Name of the new encoder; else derived from the old one's.")]
TileUm = Annotated[float | None, typer.Option(help="Side of a labelled tile, microns; else the encoder's.", min=1)]
Epochs = Annotated[int, typer.Option(help="Most epochs.", min=1)]
Frozen = Annotated[int, typer.Option(help="Epochs at the start that train the new head alone.", min=0)]
Patience = Annotated[int, typer.Option(help="Epochs without gain before it stops.", min=1)]
Share = Annotated[float, typer.Option(help="Share of the layers, from the last, that is trained.", min=0, max=1)]
Rate = Annotated[float, typer.Option(help="Rate at which these layers learn.", min=0)]
BatchTiles = Annotated[int, typer.Option(help="Tiles of a step, over all processes.", min=1)]
HeldOut = Annotated[float, typer.Option(help="Share of patients who say when to stop.", min=0.02, max=0.5)]
Stain = Annotated[float, typer.Option(help="Largest change of a stain; 0 for none.", min=0, max=1)]
Top = Annotated[int, typer.Option(help="Most attended tiles of a patient to learn from.", min=1)]
Seed = Annotated[int, typer.Option(help="The same seed and data give the same encoder.", min=0)]


class Precision(StrEnum):
    """Floating-point format of training: `auto` is bfloat16 on a GPU, full on a CPU."""

    AUTO = "auto"
    FULL = "full"
    BFLOAT16 = "bfloat16"


def finetune(
    out: Annotated[Path, typer.Option(help="Folder of the encoder; its logs/ is for TensorBoard.")],
    tiles: Tiles = None,
    cohort: Table = None,
    slides: SlideFolder = None,
    embeddings: EmbeddingFolder = None,
    profile: ProfileFile = None,
    columns: MapFile = None,
    encoder: Base = DEFAULT_ENCODER,
    name: Name = None,
    tile_um: TileUm = None,
    default_mpp: DefaultMpp = None,
    epochs: Epochs = 20,
    frozen_epochs: Frozen = 5,
    patience: Patience = 5,
    share: Share = 0.5,
    rate: Rate = 1e-4,
    batch: BatchTiles = 32,
    held_out: HeldOut = 0.2,
    stain: Stain = 0.05,
    top: Top = 32,
    precision: Precision = Precision.AUTO,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Fine-tune an encoder on labelled tiles or on outcome; a stopped run goes on where it was.

    On several GPUs: torchrun --nproc-per-node N -m services.standalone finetune ...
    """
    _check_usage(tiles, cohort, slides, embeddings)
    if cohort and tile_um:
        raise typer.BadParameter("--tile-um is for labelled tiles; slides are cut as the encoder of --encoder says")
    how: dict[str, Any] = {
        "epochs": epochs,
        "frozen_epochs": frozen_epochs,
        "patience": patience,
        "share": share,
        "rate": rate,
    }
    how |= {"batch": batch, "held_out": held_out, "stain": stain, "top": top, "precision": precision, "seed": seed}
    _run(
        encoder,
        (tiles, cohort, slides, embeddings, profile, columns, default_mpp),
        how,
        (out, name, tile_um),
        as_json=as_json,
    )


def _run(
    encoder: Path,
    source: tuple[Path | None, Path | None, Path | None, Path | None, str | None, Path | None, float | None],
    how: dict[str, Any],
    target: tuple[Path, str | None, float | None],
    *,
    as_json: bool,
) -> None:
    with trainer(goes_on=True):
        from services.standalone import finetuning  # noqa: PLC0415 - see cohorts
        from services.trainer.finetune.ranks import joined  # noqa: PLC0415 - see cohorts
        from services.trainer.finetune.settings import Settings  # noqa: PLC0415 - see cohorts

        job = finetuning.Job(encoder, finetuning.source(*source), Settings(**how), *target)
        with joined() as ranks:
            manifest = finetuning.run(job, ranks)
    if ranks.first:
        _print(manifest, job.out, as_json=as_json)


def _check_usage(tiles: Path | None, cohort: Path | None, slides: Path | None, embeddings: Path | None) -> None:
    if (tiles is None) == (cohort is None):
        raise typer.BadParameter("give either --tiles, or --cohort with --slides and --embeddings")
    if (cohort is None) != (slides is None) or (cohort is None) != (embeddings is None):
        raise typer.BadParameter("--cohort, --slides and --embeddings belong together")


def _print(manifest: EncoderManifest, out: Path, *, as_json: bool) -> None:
    if as_json:
        print_json(manifest.model_dump(mode="json"))
    else:
        head = f"{out}: encoder {manifest.name}, {manifest.dim} features, digest {manifest.digest}"
        say("\n".join([head, *training_lines(manifest.training), _CAUTION]))
