"""Fine-tunes an encoder: base encoder, training data and trainer composed; the result is an encoder's folder."""

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from services.embedder.export import NOTICE_FILE, EncoderCard, write_encoder
from services.embedder.manifest import EncoderManifest, Training, read_manifest, read_model
from services.standalone.attended_tiles import keep, kept
from services.standalone.cohort_slides import CohortSlides
from services.standalone.console import progress
from services.standalone.encoder_grid import grid_of
from services.standalone.training_data import Labels, Outcomes
from services.tiler.isolation import isolated_readers
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.column_map import load_map
from services.trainer.cohort.embeddings import Embeddings, read_embeddings
from services.trainer.cohort.table import read_cohort
from services.trainer.errors import OtherEncoderError
from services.trainer.finetune import run_dir
from services.trainer.finetune.assignment import Assignment, Base, Request, cohort_run, from_labels, from_outcome
from services.trainer.finetune.ranks import Ranks, joined
from services.trainer.finetune.run import Tuned, finetune
from services.trainer.finetune.settings import Settings
from services.trainer.finetune.tile_dataset import read_labelled, read_unlabelled
from services.trainer.finetune.top_tiles import learners, top_tiles
from services.trainer.profile import load_profile
from shared.files import put
from shared.progress import Advance, silent

_TILES = "tiles"
PROBE_FILE = "probe.json"


@dataclass(frozen=True)
class Job:
    """One call of the command."""

    encoder: Path
    source: Labels | Outcomes
    unlabelled: Path | None
    settings: Settings
    out: Path
    name: str | None
    tile_um: float | None

    def card(self, base: EncoderManifest) -> dict[str, Any]:
        """Fields of the new encoder's card that do not depend on training."""
        return {"name": self.name or f"{base.name}-finetuned", "tile_um": self.tile_um or base.tile_um}

    def request(self, manifest: EncoderManifest, model: bytes, ranks: Ranks) -> Request:
        """What the run depends on beside its labels or outcome."""
        base = Base(model, manifest.name, manifest.digest, manifest.input_px, manifest.dim)
        if not self.unlabelled:
            return Request(base, self.settings, None, self.card(manifest))
        with _bar("tiles without labels", ranks) as advance:
            unlabelled = read_unlabelled(self.unlabelled, advance)
        return Request(base, self.settings, unlabelled, self.card(manifest))


def finetuned(job: Job) -> EncoderManifest | None:
    """Fine-tune with the other processes of the run; None where another process writes the encoder.

    Raises:
        PermanentError: as `finetuned_encoder`.
    """
    with joined() as ranks:
        manifest = finetuned_encoder(job, ranks)
    return manifest if ranks.first else None


def finetuned_encoder(job: Job, ranks: Ranks) -> EncoderManifest:
    """Fine-tune and write the encoder; the finished encoder of the same run is only read.

    Raises:
        PermanentError: encoder, tiles, cohort, slides or the output folder are refused.
    """
    manifest = read_manifest(job.encoder)
    model = read_model(job.encoder, manifest)
    request = job.request(manifest, model, ranks)
    if isinstance(job.source, Labels):
        assignment = _from_labels(job, job.source, request, ranks)
    else:
        assignment = _from_outcome(job, job.source, manifest, request, ranks)
    ranks.wait()
    if assignment:
        with _bar("steps", ranks) as advance:
            tuned = finetune(assignment, request.base, ranks, job.out, advance)
        ranks.wait()
        if ranks.first:
            _write(job, manifest, tuned)
            run_dir.forget(job.out)
    ranks.wait()
    return read_manifest(job.out)


def _from_labels(job: Job, source: Labels, request: Request, ranks: Ranks) -> Assignment | None:
    """Training data from labelled tiles; None if the encoder is finished."""
    with _bar("tiles", ranks) as advance:
        labelled = read_labelled(source.tiles, advance)
    assignment = from_labels(labelled, request)
    return None if run_dir.finished(job.out, assignment.run) else assignment


def _from_outcome(
    job: Job, source: Outcomes, manifest: EncoderManifest, request: Request, ranks: Ranks
) -> Assignment | None:
    """Training data from a cohort; None if the encoder is finished."""
    cohort, embeddings = _read(source)
    base = request.base
    if embeddings.encoder_digest != base.digest:
        raise OtherEncoderError(
            f"the embeddings were made by {embeddings.encoder_name} {embeddings.encoder_digest[:12]}, and fine-tuning "
            f"starts from {base.name} {base.digest[:12]}"
        )
    data = learners(cohort, embeddings, job.settings)
    run = cohort_run(data, embeddings, source.reading.default_mpp, request)
    if run_dir.finished(job.out, run[0]):
        return None
    folder = run_dir.work_folder(job.out, run[0]) / _TILES
    if ranks.first:
        grid = grid_of(manifest)
        with _bar("models that choose tiles", ranks) as advance:
            advance(0, 1)
            spots = top_tiles(data, embeddings, job.settings)
            advance(1, 1)
        with _bar("cases", ranks) as advance, isolated_readers() as open_slide:
            slides = CohortSlides.below(source.slides, source.reading.default_mpp)
            keep(spots, replace(slides, open_slide=open_slide), grid, folder, advance)
    ranks.wait()
    return from_outcome(data, kept(data.cohort.case_ids, folder), run, request)


def _read(source: Outcomes) -> tuple[Cohort, Embeddings]:
    columns = load_map(source.reading.columns) if source.reading.columns else None
    table = read_cohort(source.cohort, load_profile(source.reading.profile), columns)
    return table, read_embeddings(source.embeddings)


def _write(job: Job, base: EncoderManifest, tuned: Tuned) -> None:
    """Write the encoder's folder; the frozen encoder keeps its name."""
    training = Training.model_validate(tuned.facts)
    mark = "-simulated" if training.simulated else ""
    origin = f"{training.learned_from}, {training.tiles} tiles of {training.patients} patients"
    licence = f"{base.licence} (weights it starts from; the terms of the data learned from may add to them)"
    source = f"{base.source}; `medulla finetune` on {'SIMULATED ' if mark else ''}{origin}: {training.verdict}"
    notice = (job.encoder / NOTICE_FILE).read_text(encoding="utf-8") if (job.encoder / NOTICE_FILE).exists() else ""
    card = EncoderCard(
        name=job.name or (base.name if tuned.model_is_frozen else f"{base.name}-finetuned{mark}"),
        version="1.0.0",
        source=source,
        licence=licence,
        notice=f"{notice}\nChanged here: {source}.\nData: sha256 {training.data_digest}. Research use only.\n",
        tile_px=base.input_px,
        tile_um=job.tile_um or base.tile_um,
        preprocessing=base.preprocessing,
    )
    put(job.out / PROBE_FILE, _probe(training, tuned))
    write_encoder(tuned.model, card, job.out, training)


def _probe(training: Training, tuned: Tuned) -> bytes:
    """The linear head on the encoder's features as JSON: of class scores, or of a log-risk where no class is named."""
    head = {"weight": tuned.head.weight.T.round(8).tolist(), "bias": tuned.head.bias.round(8).tolist()}
    return (json.dumps({"classes": training.classes, **head, "research_use_only": True}) + "\n").encode()


def _bar(label: str, ranks: Ranks) -> AbstractContextManager[Advance]:
    """A progress bar of the first process; other processes print nothing."""
    return progress(label) if ranks.first else nullcontext(silent)
