"""The one shape that every arm has; see `clinical` for the smallest example, and `registry` to add one."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from services.trainer.arms.hazards import Prediction, time_grid
from services.trainer.cohort.cohort import Cohort
from services.trainer.folds import stratified_folds
from shared.arrays import Flags, Floats, Ints
from shared.model.block import PATHOMICS
from shared.model.case_values import CaseValues

INNER_FOLDS = 5


@dataclass(frozen=True, eq=False)
class SlideView:
    """Slide features of n patients, out of fold for training patients; NaN rows for patients without slides."""

    log_risk: Floats
    """[n], pathomic log-risk."""
    pooled: Floats
    """[n, k], principal components of the mean embedding."""
    gated: Floats
    """[n], log-risk of the gated network, which sees clinical columns too; a number also without slides."""

    def take(self, index: Ints) -> "SlideView":
        """Some of the patients."""
        return SlideView(self.log_risk[index], self.pooled[index], self.gated[index])


@dataclass(frozen=True, eq=False)
class Patients:
    """All that an arm may see of some patients."""

    cohort: Cohort
    slides: SlideView | None
    seed: int

    def __len__(self) -> int:
        return len(self.cohort)

    @property
    def pathomics(self) -> Floats | None:
        """Pathomic log-risk [n], NaN without slides; None where the cohort has no slides."""
        return self.slides.log_risk if self.slides else None

    @property
    def grid(self) -> Floats:
        """Times [m] of predictions, in years."""
        return time_grid(self.cohort.profile.horizons_years)

    @property
    def horizon(self) -> int:
        """Place of the first horizon in the grid."""
        return int(np.searchsorted(self.grid, self.cohort.profile.horizons_years[0]))

    def take(self, index: Ints) -> "Patients":
        """Some of the patients."""
        return replace(self, cohort=self.cohort.take(index), slides=self.slides.take(index) if self.slides else None)

    @property
    def case_values(self) -> CaseValues:
        """Values by variable, the slides' log-risk included."""
        values = self.cohort.case_values
        if self.slides is None:
            return values
        return replace(values, columns={**values.columns, PATHOMICS: self.slides.log_risk})

    def has_block(self, block: str) -> Flags:
        """Patients [n] with evidence of a block; slides or ready-made columns for the pathomic one."""
        return self.case_values.has_block(block)

    def has_blocks(self, blocks: Iterable[str]) -> Flags:
        """Patients [n] with evidence of every one of some blocks."""
        return self.case_values.has_blocks(blocks)

    def inner_folds(self) -> Ints:
        """Inner fold [n] of each patient, balanced by event."""
        return stratified_folds(self.cohort.outcome.event, INNER_FOLDS, np.random.default_rng([self.seed, 17]))


class Fitted(Protocol):
    """An arm after training."""

    @property
    def out_of_fold(self) -> Prediction:
        """Predictions for the training patients by models fitted without them; thresholds are chosen on these."""

    def predict(self, patients: Patients) -> Prediction:
        """Log-risk and risks of new patients."""


class Arm(Protocol):
    """A way to predict."""

    @property
    def name(self) -> str:
        """Short name, as in report.json."""

    @property
    def title(self) -> str:
        """Title in reports; `{table}` stands for the blocks of variables that the cohort has."""

    def unavailable_reason(self, patients: Patients) -> str | None:
        """Why the arm cannot be fitted on a cohort, in words; None where it can."""

    def fit(self, train: Patients) -> Fitted:
        """Fit every step on training patients."""
