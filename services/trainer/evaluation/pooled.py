"""The predictions of all folds put together: one answer a patient, a repeat and an arm."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from services.trainer.arms.arm import Arm, Patients
from services.trainer.arms.hazards import Prediction
from services.trainer.arms.registry import arms_of
from services.trainer.arms.rule import RULE
from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.evaluation.fold import FoldResult
from services.trainer.metrics.statistic import Mean, Statistic
from shared.arrays import Flags, Floats, Ints

Of = Callable[[Outcome, Prediction], Statistic]
"""A figure as a function of what happened and what was predicted."""


@dataclass(frozen=True, eq=False)
class ArmResult:
    """One arm: `repeats` predictions of all n patients, flags of high risk, and the thresholds."""

    name: str
    title: str
    repeats: tuple[Prediction, ...]
    flagged: Flags
    """[repeats, n]"""
    thresholds: Floats
    """Of every fold; of an external validation, the one; NaN where an arm acts on none."""

    @property
    def known(self) -> Ints:
        """Patients with a prediction in every repeat."""
        return np.flatnonzero(~np.isnan([prediction.log_risk for prediction in self.repeats]).any(axis=0))

    def mean_risk(self, place: int) -> Floats:
        """Mean risk [n] at one time of the grid."""
        return np.asarray(np.mean([prediction.risk[:, place] for prediction in self.repeats], axis=0), np.float64)


@dataclass(frozen=True, eq=False)
class Restricted:
    """A figure of some of the patients, as a function of the weights of all."""

    index: Ints
    inner: Statistic

    def __call__(self, weights: Floats) -> Floats:
        """See Statistic."""
        return self.inner(weights[:, self.index])


@dataclass(frozen=True, eq=False)
class Pooled:
    """Everything that was predicted about a cohort."""

    cohort: Cohort
    grid: Floats
    arms: Mapping[str, ArmResult]
    absent: Mapping[str, str]
    fold_of: Ints
    """[repeats, n]; -1 in an external validation."""
    blocks: tuple[str, ...]
    """Blocks that the cohort has; arms of several blocks are named after these."""

    @property
    def horizons(self) -> tuple[float, ...]:
        """In years."""
        return self.cohort.profile.horizons_years

    def place(self, years: float) -> int:
        """Where in the grid a horizon is."""
        return int(np.searchsorted(self.grid, years - 1e-9))

    def figure(self, arm: str, index: Ints, of: Of) -> Statistic:
        """Mean over the repeats of a figure of some patients."""
        outcome = self.cohort.outcome[index]
        parts = [of(outcome, prediction.take(index)) for prediction in self.arms[arm].repeats]
        return Restricted(index, Mean(parts))


Folds = Mapping[tuple[int, int], FoldResult]
"""By (repeat, fold)."""


def pool(cohort: Cohort, results: Folds, fold_of: Ints, blocks: tuple[str, ...]) -> Pooled:
    """Put folds together; an arm that was absent in any fold is absent. `blocks` are those that the cohort has."""
    grid = Patients(cohort, 0).grid
    absent: dict[str, str] = {}
    for result in results.values():
        absent |= result.absent
    present = [arm for arm in arms_of(cohort.profile, blocks) if arm.name not in absent]
    arms = {arm.name: _gathered(arm, cohort, results, fold_of, grid) for arm in present}
    return Pooled(cohort, grid, arms, absent, fold_of, blocks)


def _gathered(arm: Arm, cohort: Cohort, results: Folds, fold_of: Ints, grid: Floats) -> ArmResult:
    predictions = [Prediction.nothing(fold_of.shape[1], len(grid)) for _ in fold_of]
    limits = np.full(fold_of.shape, np.nan)
    for (repeat, _), result in results.items():
        predictions[repeat].fill(result.index, result.predictions[arm.name])
        limits[repeat, result.index] = result.thresholds[arm.name]
    place = Patients(cohort, 0).horizon
    flags = np.stack(
        [high_risk(arm.name, cohort, each.risk[:, place], row) for each, row in zip(predictions, limits, strict=True)]
    )
    thresholds = np.array([result.thresholds[arm.name] for result in results.values()])
    return ArmResult(arm.name, arm.title, tuple(predictions), flags, acted_on(arm.name, thresholds))


def high_risk(arm: str, cohort: Cohort, risk: Floats, threshold: Floats) -> Flags:
    """Flags of high risk [n]: at or above the threshold of training; the rule flags by itself."""
    if arm == RULE:
        return cohort.holds(cohort.profile.expression(cohort.profile.rule))
    return np.asarray(risk >= threshold, np.bool_)


def acted_on(arm: str, thresholds: Floats) -> Floats:
    """Thresholds of an arm; the rule has none."""
    return np.full(len(thresholds), np.nan) if arm == RULE else thresholds
