"""Tunes an encoder without one fold of the patients, and scores that fold with it and with the frozen encoder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.trainer.finetune.adapt import Unlabelled, adapted
from services.trainer.finetune.network import State, mixed
from services.trainer.finetune.probe import Probe, probe
from services.trainer.finetune.reader import Reader
from services.trainer.finetune.settings import Settings
from services.trainer.finetune.split import stopping
from services.trainer.finetune.targets import Targets
from services.trainer.finetune.training import Lesson, train
from services.trainer.finetune.tunable import Tunable, Weights
from shared.arrays import Floats, Ints
from shared.progress import Advance, portion

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""How far to go from the frozen encoder with its probe, 0, to the tuned one: as far as the patients that stop gain."""
_ADAPTING = 0.5
"""Share of a fold's progress that tiles without labels take, where there are any."""


@dataclass(frozen=True, eq=False)
class Trial:
    """What every fold starts from."""

    model: bytes
    targets: Targets
    patients: Sequence[str]
    """[n]: of each item."""
    fold: Ints
    """[n]."""
    unlabelled: Unlabelled | None


@dataclass(frozen=True, eq=False)
class FoldResult:
    """Scores [m, k] of the m items of a fold, and the encoder that gave those of `tuned`."""

    frozen: Floats
    tuned: Floats
    share: float
    best_epoch: int
    weights: Weights


def tune_fold(
    trial: Trial, k: int, frozen: Floats, reader: Reader, work: Path, logs: Path | None, advance: Advance
) -> FoldResult:
    """Tune on the other folds; `frozen` [n, d] are the features of the frozen encoder.

    Tiles without labels count only where their patients are not among those of the fold.
    """
    work.mkdir(parents=True, exist_ok=True)
    settings, tested = reader.settings, np.flatnonzero(trial.fold == k)
    lesson = _lesson(trial, k, settings)
    own = probe(frozen, trial.targets, trial.patients, lesson.learned, settings.seed)
    before = trial.targets.scores(own.linear(frozen[tested]), own.bias)
    frozen_model = Tunable.of(trial.model, own, lesson.task, reader)
    at_start = frozen_model.weights()
    model = _adapted(trial, k, own, lesson, reader, work, portion(advance, 0, _ADAPTING)) or frozen_model
    progress = train(model, lesson, reader, work, logs, portion(advance, _ADAPTING if trial.unlabelled else 0, 1))
    share = _share(frozen_model, at_start, progress.best, lesson, reader)
    frozen_model.load_weights(mixed(at_start, progress.best, share))
    taken = frozen_model.taken()
    features = reader.features(frozen_model.encoder, tested)[tested]
    after = trial.targets.scores(taken.head.linear(features), taken.head.bias) if share else before
    return FoldResult(before, after, share, progress.best_epoch, taken)


def _lesson(trial: Trial, k: int, settings: Settings) -> Lesson:
    inside = np.flatnonzero(trial.fold != k)
    stop = stopping(trial.patients, trial.targets.strata, inside, settings.held_out, settings.seed)
    if stop is None:
        raise ValueError("a fold that cannot be split")
    learned = (trial.fold != k) & ~stop
    return Lesson(trial.targets.task(learned), learned, stop)


def _adapted(
    trial: Trial, k: int, own: Probe, lesson: Lesson, reader: Reader, work: Path, advance: Advance
) -> Tunable | None:
    """The encoder adapted to tiles without labels, with a probe of its own features; None where there are none."""
    kept_out = {name for name, fold in zip(trial.patients, trial.fold, strict=True) if fold == k}
    tiles = trial.unlabelled.without(kept_out) if trial.unlabelled else None
    if not tiles or not tiles.items:
        return None
    settings, width = reader.settings, len(own.weight)
    weights = adapted(trial.model, width, tiles, settings, reader.ranks, work, advance)
    model = Tunable.of(trial.model, own, lesson.task, reader)
    model.encoder.load_weights(weights)
    features = reader.features(model.encoder, np.flatnonzero(lesson.learned))
    fitted = probe(features, trial.targets, trial.patients, lesson.learned, settings.seed, own.scale)
    model.load_head(fitted)
    return model


def _share(model: Tunable, start: State, end: State, lesson: Lesson, reader: Reader) -> float:
    """The share of the way with the smallest loss of the patients that stop; the smaller of two alike."""
    losses = []
    for share in SHARES:
        model.load_weights(mixed(start, end, share))
        losses.append(reader.loss(model.model, lesson.task, np.flatnonzero(lesson.stop)))
    return SHARES[int(np.argmin(losses))]
