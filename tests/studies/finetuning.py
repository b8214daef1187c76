"""Does fine-tuning help on real tiles? `python -m tests.studies.finetuning --data FOLDER --out OUT`.

Three ways on the same tested patients: the frozen encoder with its probe, the tuned encoder whatever the guard says,
and what `medulla finetune` exports. Whatever is fitted, chosen or judged inside has seen no tile of a tested patient.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from services.embedder.manifest import read_manifest, read_model
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.trainer.errors import BadTilesError
from services.trainer.finetune.assignment import Assignment, Base, Request, from_labels
from services.trainer.finetune.network import Encoder
from services.trainer.finetune.ranks import Ranks
from services.trainer.finetune.reader import Reader
from services.trainer.finetune.run import Judged, mean_encoder, mean_head, tune_folds
from services.trainer.finetune.settings import Settings
from services.trainer.finetune.tile_dataset import Labelled
from services.trainer.parallel import parallel
from shared.arrays import Floats, Ints
from shared.canonical import digest_of
from tests.studies.finetuning_report import Probed, write_report
from tests.studies.labelled_tiles import Tiles, lung, osteosarcoma

SETTINGS = Settings(epochs=8, patience=3)
"""As `medulla finetune` has them, with fewer epochs, since the sets are small."""
FIRST_SEED, SEEDS = 71001, 2


@dataclass(frozen=True, eq=False)
class Job:
    """One fold with one seed."""

    data: Tiles
    fold: int
    seed: int
    base: Base


def run(job: Job) -> Probed:
    """Fine-tune on the other folds as the command does, then score the tested patients in three ways."""
    torch.set_num_threads(1)
    tested = np.flatnonzero(job.data.fold == job.fold)
    assignment = _assignment(job, np.flatnonzero(job.data.fold != job.fold))
    with TemporaryDirectory() as out:
        judged = tune_folds(assignment, job.base, Ranks(), Path(out), lambda *_: None)
    reader = Reader(job.data.items, job.base.px, job.base.width, assignment.settings, Ranks())
    before = judged.frozen.head().logits(reader.features(Encoder(job.base.model), tested)[tested])
    after = _tuned(job, judged, reader, tested) if judged.folds else before
    exported = after if judged.gained else before
    frozen, tuned, guarded = (
        assignment.targets.scores(values, np.zeros(values.shape[1])) for values in (before, after, exported)
    )
    shares = [result.share for result in judged.folds]
    return Probed(job.fold, job.seed, frozen, tuned, guarded, shares, "tuned" if judged.gained else "frozen")


def _tuned(job: Job, judged: Judged, reader: Reader, tested: Ints) -> Floats:
    features = reader.features(mean_encoder(job.base, judged.folds), tested)
    return mean_head(judged.folds).logits(features[tested])


def _assignment(job: Job, learned: Ints) -> Assignment:
    items = tuple(job.data.items[i] for i in learned)
    names = digest_of([str(item.files[0].name) for item in items])
    labelled = Labelled(items, job.data.label[learned], job.data.classes, names)
    return from_labels(labelled, Request(job.base, replace(SETTINGS, seed=job.seed), None, {}))


def jobs(data: Sequence[Tiles], base: Base, seeds: int) -> list[Job]:
    """Every fold of every set with every seed."""
    return [
        Job(tiles, int(fold), seed, base)
        for seed in range(FIRST_SEED, FIRST_SEED + seeds)
        for tiles in data
        for fold in np.unique(tiles.fold[tiles.tested])
    ]


def read_base(encoder: Path) -> Base:
    """The encoder that training starts from."""
    manifest = read_manifest(encoder)
    return Base(read_model(encoder, manifest), manifest.name, manifest.digest, manifest.input_px, manifest.dim)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the folds and write the report."""
    options = _parse(arguments)
    try:
        data = [osteosarcoma(options.data), lung(options.data)]
    except BadTilesError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    base = read_base(options.encoder)
    todo = jobs(data, base, options.seeds)
    probed_by_place = {}
    for place, probed in parallel(_run_at, list(enumerate(todo)), options.workers):
        probed_by_place[place] = probed
        sys.stderr.write(f"{len(probed_by_place)} of {len(todo)}\n")
    results = {tiles.name: [probed_by_place[i] for i, job in enumerate(todo) if job.data is tiles] for tiles in data}
    seeds = sorted({job.seed for job in todo})
    facts = {"encoder_digest": base.digest, "settings": SETTINGS.as_json(), "seeds": seeds}
    write_report(options.out, [(tiles, results[tiles.name]) for tiles in data], facts)
    sys.stdout.write((options.out / "finetuning.md").read_text(encoding="utf-8"))
    return 0


def _run_at(piece: tuple[int, Job]) -> tuple[int, Probed]:
    place, job = piece
    return place, run(job)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds both sets, however deep")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, default=DEFAULT_ENCODER)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--workers", type=int, default=1)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
