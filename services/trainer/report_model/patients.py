"""Who the patients of a report are: profile, counts, follow-up, variables, hazard ratios, prototypes of their tiles."""

from math import nan
from typing import Annotated

from services.trainer.metrics.bootstrap import Figure
from services.trainer.report_model.entry import Entry, Inline, Years
from shared.associations import association
from shared.model.block import DEFAULT_BLOCKS, Block


class ReportedProfile(Entry):
    """What a report says of the profile."""

    name: str
    title: str
    population: str
    prediction_time: str
    has_times: bool
    """Whether the outcome has times; else it is a yes or no by the first horizon."""
    labels: dict[str, str]
    """By variable."""
    blocks: tuple[Block, ...] = DEFAULT_BLOCKS


class FollowUp(Entry):
    """In years; nothing where the outcome has no times."""

    median: float | None
    """By reverse Kaplan-Meier."""
    longest: float | None


class CohortSummary(Entry):
    """Counts of a cohort."""

    name: str
    n: int
    events: dict[str, int]
    """Patients by code of the outcome."""
    meanings: dict[str, str]
    """By code."""
    event_of_interest: str
    follow_up_years: FollowUp
    incidence: dict[Years, Figure]
    """Aalen-Johansen at every horizon."""
    sites: int | None
    with_slides: int
    digest: str


class CountedCell(Entry):
    """A variable with levels in some patients."""

    missing: int
    counts: dict[str, int]


class MeasuredCell(Entry):
    """A numeric variable in some patients."""

    missing: int
    quartiles: tuple[float | None, ...] | None
    """Lower quartile, median, upper quartile; None where the variable is known of nobody."""


class VariableRow(Entry):
    """A variable in all patients, in those with the event, and in the others."""

    variable: str
    unit: str
    block: str
    cells: tuple[CountedCell | MeasuredCell, ...]


class HazardRatio(Entry):
    """A column of the Cox model of the whole cohort."""

    column: str
    variable: str
    strata: str
    """By what the model was stratified; empty for one baseline."""
    ratio: Annotated[Figure, Inline.of(Figure)]


class TileExample(Entry):
    """A tile near the centre of a prototype."""

    case_id: str
    slide_id: str
    x: int | None = None
    """Of its corner in level 0; None where the bag has no coordinates."""
    y: int | None = None


class PrototypeRow(Entry):
    """A cluster of tiles of the cohort."""

    prototype: int
    mean_share: float | None
    spread: float | None
    share_with_event: float | None
    share_without: float | None
    most_in: tuple[str, ...]
    """Cases with the largest shares."""
    hazard_ratio_per_sd: Figure | None = None
    examples: tuple[TileExample, ...]

    @property
    def association(self) -> str:
        """What goes with a larger share, if the interval shows it."""
        ratio = self.hazard_ratio_per_sd
        if ratio is None or ratio.lo is None or ratio.hi is None:
            return association(nan, nan)
        return association(ratio.lo, ratio.hi)
