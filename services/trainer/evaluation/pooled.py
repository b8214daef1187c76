"""The predictions of all folds put together: one answer a patient, a repeat and an arm."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from services.trainer.arms.arm import Arm, Patients
from services.trainer.arms.hazards import Prediction
from services.trainer.arms.registry import ARMS
from services.trainer.cohort.cohort import Cohort, Flags, Floats, Ints, Outcome
from services.trainer.evaluation.run import RawResults
from services.trainer.metrics.statistic import Mean, Statistic


@dataclass(frozen=True, eq=False)
class ArmResult:
    """One arm: `repeats` predictions of all n patients, who was flagged as high risk, and the thresholds."""

    name: str
    title: str
    repeats: tuple[Prediction, ...]
    flagged: Flags
    """[repeats, n]"""
    thresholds: Floats
    """Of every fold; of an external validation, the one."""

    @property
    def known(self) -> Ints:
        """Patients who have an answer in every repeat."""
        return np.flatnonzero(~np.isnan([found.log_risk for found in self.repeats]).any(axis=0))

    def mean_risk(self, place: int) -> Floats:
        """Mean risk [n] at one time of the grid."""
        return np.asarray(np.mean([found.risk[:, place] for found in self.repeats], axis=0), np.float64)


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

    @property
    def horizons(self) -> tuple[float, ...]:
        """In years."""
        return self.cohort.profile.horizons_years

    def place(self, years: float) -> int:
        """Where in the grid a horizon is."""
        return int(np.searchsorted(self.grid, years - 1e-9))

    def figure(self, arm: str, index: Ints, of: Callable[[Outcome, Prediction], Statistic]) -> Statistic:
        """Mean over the repeats of a figure of some patients."""
        outcome = self.cohort.outcome[index]
        parts = [of(outcome, found.take(index)) for found in self.arms[arm].repeats]
        return Restricted(index, Mean(parts))


def pool(cohort: Cohort, raw: RawResults, fold_of: Ints) -> Pooled:
    """Put folds together; an arm that was absent in any fold is absent."""
    patients = Patients(cohort, None, 0)
    place = patients.horizon
    absent: dict[str, str] = {}
    for result in raw.folds.values():
        absent |= result.absent
    arms = {arm.name: _gathered(arm, raw, fold_of, len(patients.grid), place) for arm in ARMS if arm.name not in absent}
    return Pooled(cohort, patients.grid, arms, absent, fold_of)


def _gathered(arm: Arm, raw: RawResults, fold_of: Ints, times: int, place: int) -> ArmResult:
    found = [Prediction.nothing(fold_of.shape[1], times) for _ in fold_of]
    flagged = np.zeros(fold_of.shape, np.bool_)
    for (repeat, _), result in raw.folds.items():
        said = result.predictions[arm.name]
        found[repeat].fill(result.index, said)
        flagged[repeat, result.index] = said.risk[:, place] >= result.thresholds[arm.name]
    thresholds = np.array([result.thresholds[arm.name] for result in raw.folds.values()])
    return ArmResult(arm.name, arm.title, tuple(found), flagged, thresholds)
