"""Does fine-tuning help on real tiles? `python -m tests.studies.finetuning --data FOLDER --out OUT`.

The same logistic probe reads the features of the frozen encoder and of the fine-tuned one. Whatever is fitted (the
encoder, its stopping point, the probe) has seen no tile of a tested patient. No setting was chosen on a tested tile.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from services.trainer.errors import BadTilesError
from services.trainer.finetune import split, task
from services.trainer.finetune.export import exported
from services.trainer.finetune.ranks import Ranks
from services.trainer.finetune.settings import Settings
from services.trainer.finetune.tile_dataset import decode
from services.trainer.finetune.training import Lesson, train
from services.trainer.parallel import parallel
from shared.arrays import Flags, Floats, Ints
from shared.canonical import sha256
from tests.studies.finetuning_report import Probed, write_report
from tests.studies.labelled_tiles import Tiles, lung, osteosarcoma
from tests.support.checkout import CHECKOUT

ENCODER = CHECKOUT / "services/embedder/encoders/efficientnet_lite0/encoder.onnx"
SETTINGS = Settings(epochs=12, frozen_epochs=3, patience=4)
"""As `medulla finetune` has them, with fewer epochs, since the sets are small."""
SEEDS = 3
_PX = 256
_PENALTY = 0.01
"""Inverse strength of the probe's ridge penalty, on standardised features."""


@dataclass(frozen=True, eq=False)
class Job:
    """One fold with one seed."""

    data: Tiles
    fold: int
    seed: int
    model: bytes


def run(job: Job) -> Probed:
    """Fine-tune on the other folds, then probe both encoders."""
    torch.set_num_threads(1)
    tested = job.data.fold == job.fold
    learned = np.flatnonzero(~tested)
    pixels = np.stack([decode(item.files[0], _PX) for item in job.data.items])
    before = features(job.model, pixels)
    encoder, best = _tuned(job, learned, before.shape[1])
    model, _ = exported(encoder, torch.from_numpy(pixels[learned[:4]]))
    after = features(model, pixels)
    first, then = (_probe(values, job.data.label, tested) for values in (before, after))
    return Probed(job.fold, job.seed, first, then, best)


def features(model: bytes, pixels: np.ndarray) -> np.ndarray:
    """Features [n, d] as they are served, of tiles [n, px, px, 3]."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    parts = [session.run(None, {name: pixels[i : i + 8]})[0] for i in range(0, len(pixels), 8)]
    return np.concatenate(parts)


def _tuned(job: Job, learned: Ints, width: int) -> tuple[Any, int]:
    items = [job.data.items[i] for i in learned]
    label = job.data.label[learned]
    settings = Settings(**{**SETTINGS.as_json(), "seed": job.seed})
    held = split.held_out([item.patient for item in items], label, settings.held_out, settings.seed)
    lesson = Lesson(items, task.classes(label, ~held), held, _PX, settings)
    with TemporaryDirectory() as work:
        encoder, progress = train(job.model, width, lesson, Ranks(), Path(work), None, lambda *_: None)
    return encoder, progress.best_epoch


def _probe(values: np.ndarray, label: Ints, tested: Flags) -> Floats:
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=_PENALTY, max_iter=2000, class_weight="balanced"))
    probe.fit(values[~tested], label[~tested])
    return np.asarray(probe.predict_proba(values[tested]), np.float64)


def jobs(data: Sequence[Tiles], model: bytes, seeds: int) -> list[Job]:
    """Every fold of every set with every seed."""
    return [
        Job(one, int(fold), seed, model)
        for one in data
        for fold in np.unique(one.fold[one.tested])
        for seed in range(1, seeds + 1)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the folds and write the report."""
    options = _parse(arguments)
    try:
        data = [osteosarcoma(options.data), lung(options.data)]
    except BadTilesError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    model = options.encoder.read_bytes()
    todo = jobs(data, model, options.seeds)
    probed_by_place = {}
    for place, probed in parallel(_run_at, list(enumerate(todo)), options.workers):
        probed_by_place[place] = probed
        sys.stderr.write(f"{len(probed_by_place)} of {len(todo)}\n")
    results = {one.name: [probed_by_place[place] for place, job in enumerate(todo) if job.data is one] for one in data}
    facts = {"encoder_digest": sha256(model), "settings": SETTINGS.as_json(), "seeds": options.seeds}
    write_report(options.out, [(one, results[one.name]) for one in data], facts)
    sys.stdout.write((options.out / "finetuning.md").read_text(encoding="utf-8"))
    return 0


def _run_at(piece: tuple[int, Job]) -> tuple[int, Probed]:
    place, job = piece
    return place, run(job)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds both sets, however deep")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, default=ENCODER)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
