"""What monitor.json holds, as types: counts, figures and dates of groups, nothing of a single case."""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import Field

from services.trainer.metrics.bootstrap import NO_FIGURE, Figure
from services.trainer.report_model.entry import Entry
from shared.files import put
from shared.monitoring import Standing
from shared.units import Sha256
from shared.words import counted

MONITOR = "monitor.json"
"""Its file in the folder of a monitoring report."""


class Alarm(Entry):
    """Where a chart reached its threshold."""

    direction: Literal["more", "fewer"]
    at: str
    """Month, or place of the case."""
    cases: int
    """Cases that had been scored by then."""

    @property
    def when(self) -> str:
        """In words."""
        return f"at {self.at}, after {counted(self.cases, 'case')}" if self.at else "without an event"


class GroupFigures(Entry):
    """Observed against expected events of some cases; a group of fewer cases than are shown has its name alone."""

    name: str
    n: int | None = None
    events: int | None = None
    expected: float | None = None
    o_e: Figure = NO_FIGURE
    harrell_c: Figure = NO_FIGURE
    alarms: tuple[Alarm, ...] = ()
    """Of the charts of a site or subgroup."""


class InputShares(Entry):
    """What the scores of a quarter were made from, against the training cohort."""

    name: str
    n: int | None = None
    """Scores; None as in GroupFigures."""
    psi: float | None = None
    """Population stability index of the log-risk's percentile in the training cohort, by fifths."""
    psi_by_chance: float | None = None
    """What the index of as many scores without a shift stays below in 95 % of quarters."""
    out_of_distribution: float | None = None
    """Share of scores outside of the training cohort's inputs."""
    missing: dict[str, float] = Field(default_factory=dict)
    """Share of cases that lacked a block or variable, of those that anyone lacked."""


class HorizonCalibration(Entry):
    """Calibration at the first horizon of cases scored within three months of diagnosis, weighted for censoring.

    Undefined with few events by then.
    """

    horizon_years: float
    events: int
    o_e: Figure = NO_FIGURE
    intercept: Figure = NO_FIGURE
    slope: Figure = NO_FIGURE


class ChartPoint(Entry):
    """Both charts at one expected number of events."""

    expected: float
    more: float
    fewer: float


class Sequential(Entry):
    """The charts, what they look for, and how often they are wrong."""

    ratio: float
    false_alarms: float
    cases_planned: int
    events_planned: int
    """Expected events of the planned cases, on which the thresholds were simulated."""
    threshold_more: float
    threshold_fewer: float
    clock: Literal["calendar", "case by case"]
    points: tuple[ChartPoint, ...]
    alarms: tuple[Alarm, ...] = ()


class Monitored(Entry):
    """One bundle: whether its risks came true."""

    bundle: str
    """Digest."""
    name: str
    simulated: bool
    scored: int
    """Cases with a risk of the bundle."""
    followed: int
    """Cases of them with an outcome after the score."""
    left_out: dict[str, int]
    """Cases without, by why; those on which the model abstained have no risk and are not in `scored`."""
    first: str = ""
    last: str = ""
    """First and last day of a score, where days are known."""
    overall: GroupFigures
    calibration: HorizonCalibration
    by_risk: tuple[GroupFigures, ...] = ()
    quarters: tuple[GroupFigures, ...] = ()
    """By the quarter in which years begin to count."""
    sites: tuple[GroupFigures, ...] = ()
    subgroups: tuple[GroupFigures, ...] = ()
    inputs: tuple[InputShares, ...] = ()
    sequential: Sequential
    flagged: bool
    """Whether the charts of all cases, or those of a site or subgroup, reached their threshold."""
    sentence: str
    """What the charts say, in words."""

    def standing(self, at: datetime) -> Standing:
        """What results and Prometheus show of it."""
        sequential, o_e = self.sequential, self.overall.o_e
        shares = [each.psi for each in self.inputs if each.psi is not None]
        return Standing(
            bundle=Sha256(self.bundle),
            name=self.name,
            monitored_at=at,
            flagged=self.flagged,
            sentence=self.sentence,
            cases=self.followed,
            events=self.overall.events or 0,
            expected=self.overall.expected or 0.0,
            o_e=o_e.est,
            o_e_lo=o_e.lo,
            o_e_hi=o_e.hi,
            chart_more=_highest(point.more for point in sequential.points) / sequential.threshold_more,
            chart_fewer=_highest(point.fewer for point in sequential.points) / sequential.threshold_fewer,
            harrell_c=self.overall.harrell_c.est,
            psi=shares[-1] if shares else None,
        )


def _highest(values: Iterable[float]) -> float:
    return max(values, default=0.0)


class MonitorReport(Entry):
    """Everything that was monitored, by bundle."""

    version: Literal[1]
    notice: str
    event: str
    """Meaning of the event of interest."""
    least: int
    """Cases with which a group is shown."""
    bundles: tuple[Monitored, ...]

    @property
    def simulated(self) -> bool:
        """Whether any bundle was fitted on simulated patients."""
        return any(bundle.simulated for bundle in self.bundles)

    def write(self, out: Path) -> None:
        """Write monitor.json into a folder, whole or not at all."""
        content = json.dumps(self.model_dump(mode="json"), indent=1, allow_nan=False)
        put(out / MONITOR, (content + "\n").encode())
