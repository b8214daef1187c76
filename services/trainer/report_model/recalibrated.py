"""What a recalibrated bundle was made from, and what its risks are worth before and after."""

from services.trainer.metrics.bootstrap import Figure
from services.trainer.report_model.entry import Entry


class CalibrationAt(Entry):
    """Calibration of an arm's risks at the first horizon."""

    o_e: Figure
    slope: Figure
    intercept: Figure
    brier: Figure


class BeforeAfter(Entry):
    """Risks as they were; and after recalibration on other patients of the same cohort, by cross-validation."""

    before: CalibrationAt
    after: CalibrationAt


class RecalibratedBundle(Entry):
    """A bundle that was written beside a validation."""

    method: str
    """level, level_and_slope or baseline."""
    name: str
    digest: str
    patients: int
    events: int
    """By the first horizon."""
    folds: int
    """Of the cross-validation."""
    arms: dict[str, BeforeAfter]
