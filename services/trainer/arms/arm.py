"""The one shape that every arm has; see `null` for the smallest example, and `registry` to add one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from services.trainer.arms.hazards import Prediction, time_grid
from services.trainer.cohort.cohort import Cohort
from services.trainer.folds import patient_folds
from shared.arrays import Flags, Floats, Ints
from shared.model.case_values import CaseValues

INNER_FOLDS = 5


@dataclass(frozen=True, eq=False)
class BlockView:
    """What the model of a block of slides or vectors makes of n patients, out of fold for training patients.

    NaN rows for patients without the block.
    """

    log_risk: Floats
    """[n]."""
    components: Floats
    """[n, k], unsupervised summary of the block: principal components, or the columns themselves where they are few."""

    def take(self, index: Ints) -> "BlockView":
        """Some of the patients."""
        return BlockView(self.log_risk[index], self.components[index])


@dataclass(frozen=True, eq=False)
class Patients:
    """All that an arm may see of some patients."""

    cohort: Cohort
    seed: int
    views: Mapping[str, BlockView] = field(default_factory=dict)
    """By block of slides or vectors; one without a fitted model has none."""
    gated: Floats | None = None
    """[n], log-risk of the gated network; a number also without slides. None where no network was fitted."""

    def __len__(self) -> int:
        return len(self.cohort)

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
        views = {block: view.take(index) for block, view in self.views.items()}
        gated = None if self.gated is None else self.gated[index]
        return replace(self, cohort=self.cohort.take(index), views=views, gated=gated)

    @property
    def case_values(self) -> CaseValues:
        """Values by variable, the blocks' log-risks included."""
        values = self.cohort.case_values
        known = {block.name: block.log_risk for block in self.cohort.profile.evidence_blocks}
        log_risks = {known[block]: view.log_risk for block, view in self.views.items()}
        return replace(values, columns={**values.columns, **log_risks})

    @property
    def blocks(self) -> tuple[str, ...]:
        """Names of the blocks that are known of anyone, in the order of the profile."""
        return tuple(name for name in self.cohort.profile.block_names if self.has_block(name).any())

    def has_block(self, block: str) -> Flags:
        """Patients [n] with evidence of a block: a log-risk, or a value of one of its variables."""
        return self.case_values.has_block(block)

    def has_blocks(self, blocks: Iterable[str]) -> Flags:
        """Patients [n] with evidence of every one of some blocks."""
        return self.case_values.has_blocks(blocks)

    def inner_folds(self) -> Ints:
        """Inner fold [n] of each patient, balanced by event."""
        rng = np.random.default_rng([self.seed, 17])
        return patient_folds(self.cohort.case_ids, self.cohort.outcome.event, INNER_FOLDS, rng)


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
