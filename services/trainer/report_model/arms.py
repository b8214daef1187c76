"""What the arms of a report are worth: discrimination, calibration, decisions, risk groups and subgroups."""

from typing import Annotated, Any, NamedTuple

from pydantic import SerializerFunctionWrapHandler, model_serializer

from services.trainer.metrics.bootstrap import NO_FIGURE, Figure
from services.trainer.report_model.entry import Entry, Inline, Years

Ends = tuple[float | None, float | None]
"""Lower and upper end of an interval."""


class CalibrationBin(NamedTuple):
    """Patients of similar risk: mean risk, observed incidence with its ends, and how many they are."""

    predicted: float | None
    observed: float | None
    patients: int
    lo: float | None
    hi: float | None


class CalibrationFigures(Entry):
    """Observed against predicted risk at the first horizon."""

    horizon_years: float
    o_e: Figure
    slope: Figure
    intercept: Figure
    bins: tuple[CalibrationBin, ...]
    curve: tuple[tuple[float | None, float | None], ...]
    """Predicted and observed risk, smoothed."""

    @model_serializer(mode="wrap")
    def _written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The entries in order; an undefined slope stands behind the intercept, as in every report so far."""
        content: dict[str, Any] = handler(self)
        behind = ("slope", "bins", "curve") if self.slope == NO_FIGURE else ()
        return content | {name: content.pop(name) for name in behind}


class LandmarkFigures(Entry):
    """Risks of an arm by a horizon, given no event of any kind until a landmark, against what happened."""

    arm: str
    event_free_years: float
    """The landmark."""
    horizon_years: float
    n: int
    """Patients with a prediction who are observed past the landmark without an event."""
    events: int
    """Events of interest among them by the horizon."""
    predicted: float | None
    """Mean conditional risk."""
    observed: Figure = NO_FIGURE
    """Incidence by the horizon; as the next figures undefined with too few events."""
    o_e: Figure = NO_FIGURE
    intercept: Figure = NO_FIGURE
    """Calibration in the large, on the scale of the log hazard."""
    uno_c: Figure = NO_FIGURE
    """Up to the horizon."""


class OperatingPoint(Entry):
    """What follows from acting on the threshold of the training data."""

    horizon_years: float
    threshold: Figure
    sensitivity: Figure
    specificity: Figure
    ppv: Figure
    npv: Figure


class ByFold(Entry):
    """Harrell's C within outer folds."""

    harrell_c_mean: float | None
    harrell_c_sd: float | None


class ArmFigures(Entry):
    """All figures of one arm."""

    n: int
    """Patients with a prediction."""
    title: str
    harrell_c: Figure
    uno_c: Figure
    auc: Annotated[dict[Years, Figure], Inline(prefix="auc_")]
    ibs: Figure
    brier: Annotated[dict[Years, Figure], Inline(prefix="brier_")]
    net_benefit: Figure
    calibration: CalibrationFigures
    operating_point: OperatingPoint
    by_fold: ByFold


class DecisionCurve(Entry):
    """Net benefit at thresholds, by arm and by `treat_all` and `treat_none`."""

    horizon_years: float
    thresholds: tuple[float, ...]
    net_benefit: dict[str, tuple[float | None, ...]]
    intervals: dict[str, tuple[Ends, ...]]


class Curve(Entry):
    """Cumulative incidence of a group over time, with its band and the numbers at risk at whole years."""

    times: tuple[float | None, ...]
    incidence: tuple[float | None, ...]
    lo: tuple[float | None, ...]
    hi: tuple[float | None, ...]
    years: tuple[float, ...]
    at_risk: tuple[int, ...]


class RiskGroup(Entry):
    """Patients of low or high risk."""

    name: str
    n: int
    events: int
    at: dict[Years, Figure]
    """Incidence at every horizon."""
    curve: Annotated[Curve | None, Inline.of(Curve)] = None
    """None without times, or of too few patients."""


class RiskGroups(Entry):
    """Low and high risk by one arm."""

    arm: str
    groups: tuple[RiskGroup, ...]
    log_rank_p: float | None


class Subgroup(Entry):
    """A part of the cohort, with Harrell's C by arm where it has enough events."""

    name: str
    n: int
    events: int
    harrell_c: dict[str, Figure]
