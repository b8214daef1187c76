"""A whole fine-tuning: frozen features and probe, the folds, the guard, the checked file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from services.trainer.finetune.assignment import Assignment, Base
from services.trainer.finetune.export import exported
from services.trainer.finetune.fold import FoldResult, Trial, tune_fold
from services.trainer.finetune.guard import Compared, compare, on_seen
from services.trainer.finetune.network import Encoder, averaged
from services.trainer.finetune.probe import Probe, probe
from services.trainer.finetune.ranks import Ranks
from services.trainer.finetune.reader import Reader
from services.trainer.finetune.run_dir import LOGS, work_folder
from services.trainer.finetune.targets import Targets
from services.trainer.finetune.task import Head
from services.trainer.finetune.tile_dataset import decode
from services.trainer.metrics.bootstrap import rounded
from shared.arrays import Floats
from shared.progress import Advance, portion

_CHECKED = 4
"""Tiles on which torch and ONNX Runtime have to agree."""
_FROZEN = "frozen.npy"


@dataclass(frozen=True, eq=False)
class Judged:
    """Everything that the folds gave, and what is exported: the mean of their encoders if it `gained`."""

    frozen: Probe
    """On all patients."""
    folds: Sequence[FoldResult]
    compared: Compared | None
    """Encoders of the folds; None where too few patients are there."""
    mean_on_seen: float | None = None
    """The figure of the mean of these encoders and heads on all patients, which have been seen; None without a gain."""

    @property
    def gained(self) -> bool:
        """Whether patients out of fold gained, and their encoders' mean did not lose it.

        No patient is left who could judge the mean, so this bound is as far as it goes: on patients that it has seen,
        it has to do better than the frozen encoder does on patients that its probe has not.
        """
        if self.compared is None or not self.compared.gained or self.mean_on_seen is None:
            return False
        return self.mean_on_seen > (self.compared.frozen.est or 0)

    def facts(self, metric: str) -> dict[str, Any]:
        """What the manifest says of it."""
        figures = self.compared.as_json() if self.compared else {"frozen": None, "tuned": None, "gain": None}
        folds = {
            "mean_on_seen": rounded(self.mean_on_seen),
            "shares": [result.share for result in self.folds],
            "best_epochs": [result.best_epoch for result in self.folds],
        }
        return {
            "exported": "tuned" if self.gained else "frozen",
            "metric": metric,
            "ridge": self.frozen.ridge,
            **figures,
            **folds,
        }


def mean_encoder(base: Base, folds: Sequence[FoldResult]) -> Encoder:
    """The mean of the folds' encoders."""
    encoder = Encoder(base.model)
    encoder.load_weights(averaged([result.weights.encoder for result in folds]))
    return encoder


def mean_head(folds: Sequence[FoldResult]) -> Head:
    """The mean of the folds' heads."""
    heads = [result.weights.head for result in folds]
    weight, bias = ([getattr(head, name) for head in heads] for name in ("weight", "bias"))
    return Head(np.mean(weight, axis=0), np.mean(bias, axis=0))


@dataclass(frozen=True, eq=False)
class Tuned:
    """An encoder's file, the head on its features, and how they came to be."""

    model: bytes
    head: Head
    model_is_frozen: bool
    facts: Mapping[str, Any]


def finetune(assignment: Assignment, base: Base, ranks: Ranks, out: Path, advance: Advance) -> Tuned:
    """Tune, compare, export and check; several processes give the same encoder as one, up to rounding.

    Raises:
        UntrainableEncoderError: the encoder's graph cannot be trained, or the result is not the same where it is
            served.
        BadTilesError: a tile cannot be read any more.
    """
    judged = tune_folds(assignment, base, ranks, out, advance)
    encoder = mean_encoder(base, judged.folds) if judged.gained else Encoder(base.model)
    items = assignment.items
    sample = [items[i].files[0] for i in np.linspace(0, len(items) - 1, _CHECKED).astype(int)]
    model, parity = exported(encoder, torch.from_numpy(np.stack([decode(path, base.px) for path in sample])))
    facts = {**assignment.facts, "guard": judged.facts(assignment.targets.metric), "parity": parity}
    head = mean_head(judged.folds) if judged.gained else judged.frozen.head()
    return Tuned(model, head, not judged.gained, facts)


def tune_folds(assignment: Assignment, base: Base, ranks: Ranks, out: Path, advance: Advance) -> Judged:
    """Tune without each fold, and compare with the frozen encoder on the patients of all folds."""
    work = work_folder(out, assignment.run)
    targets, patients, seed = assignment.targets, assignment.patients, assignment.settings.seed
    reader = Reader(assignment.items, base.px, base.width, assignment.settings, ranks)
    features = _frozen_features(base, reader, work)
    own = probe(features, targets, patients, np.ones(len(features), np.bool_), seed)
    if assignment.fold is None:
        return Judged(own, (), None)
    trial = Trial(base.model, targets, patients, assignment.fold, assignment.unlabelled)
    count = int(assignment.fold.max()) + 1
    results = []
    for k in range(count):
        within, name = portion(advance, k / count, (k + 1) / count), f"fold-{k}"
        results.append(tune_fold(trial, k, features, reader, work / name, out / LOGS / name, within))
    before, after = (_pooled(assignment, [getattr(result, name) for result in results]) for name in ("frozen", "tuned"))
    compared = compare(targets, patients, before, after, seed)
    seen = on_seen(targets, patients, _by_the_mean(base, results, reader, targets)) if compared.gained else None
    return Judged(own, results, compared, seen)


def _by_the_mean(base: Base, folds: Sequence[FoldResult], reader: Reader, targets: Targets) -> Floats:
    """Scores [n, k] of all items by what would be exported."""
    encoder, head = mean_encoder(base, folds).to(reader.ranks.device), mean_head(folds)
    features = reader.features(encoder, np.arange(len(reader.items)))
    return targets.scores(head.linear(features), head.bias)


def _pooled(assignment: Assignment, scores: Sequence[Floats]) -> Floats:
    """Scores [n, k] of all items from those of each fold."""
    pooled = np.zeros((len(assignment.items), scores[0].shape[1]))
    for k, own in enumerate(scores):
        pooled[assignment.fold == k] = own
    return pooled


def _frozen_features(base: Base, reader: Reader, work: Path) -> Floats:
    """Features [n, d] of all items by the frozen encoder, computed once."""
    path = work / _FROZEN
    if not path.exists():
        encoder = Encoder(base.model).to(reader.ranks.device)
        features = reader.features(encoder, np.arange(len(reader.items)))
        if reader.ranks.first:
            with (path.with_suffix(".unfinished")).open("wb") as file:
                np.save(file, features)
            path.with_suffix(".unfinished").replace(path)
        reader.ranks.wait()
    return np.asarray(np.load(path), np.float64)
