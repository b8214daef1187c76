"""The charts of followed cases: of all of them, and of sites and subgroups, which share a second budget of alarms."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from services.trainer.monitoring.chart import Chart, Design, Direction, chart, threshold
from services.trainer.monitoring.clock import Clock, clock
from services.trainer.monitoring.followed import FollowedCase
from services.trainer.monitoring.groups import LEAST
from services.trainer.monitoring.monitor_report import Alarm

DIRECTIONS: tuple[Direction, ...] = ("more", "fewer")


@dataclass(frozen=True, eq=False)
class Watched:
    """Both charts of some cases, on their clock."""

    time: Clock
    charts: tuple[Chart, ...]

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """Where each chart reached its threshold, if it did."""
        return tuple(_alarm(each, self.time) for each in self.charts if each.alarm_at is not None)


@dataclass(frozen=True, slots=True)
class Watch:
    """Watches groups of cases; a wrong alarm in any of them is as rare as one of all cases."""

    design: Design
    """Of one group: its share of the budget."""
    planned: int
    """Expected events of all planned cases."""

    @classmethod
    def of(cls, design: Design, planned: int, groups: Collection[Sequence[FollowedCase]]) -> "Watch":
        """Of groups; those of few cases are not watched."""
        count = sum(len(group) >= LEAST for group in groups)
        return cls(replace(design, false_alarms=design.false_alarms / max(count, 1)), planned)

    def alarms(self, cases: Sequence[FollowedCase], all_predicted: float) -> tuple[Alarm, ...]:
        """Of the charts of a group, which has the share of planned events that it has of `all_predicted`."""
        if len(cases) < LEAST:
            return ()
        return watched(cases, max(1, round(self.planned * predicted(cases) / all_predicted)), self.design).alarms


def predicted(cases: Sequence[FollowedCase]) -> float:
    """Expected events of cases that are followed to the last horizon."""
    return float(sum(case.latest.hazard[-1] for case in cases))


def watched(cases: Sequence[FollowedCase], planned: int, design: Design) -> Watched:
    """Both charts of cases, of which there have to be some, with thresholds for `planned` expected events."""
    time = clock(cases if len(cases) >= LEAST else ())
    charts = (
        chart(design, direction, time.events, time.total, threshold(design, direction, planned))
        for direction in DIRECTIONS
    )
    return Watched(time, tuple(charts))


def _alarm(each: Chart, time: Clock) -> Alarm:
    at, cases = time.label_at(each.alarm_at or 0.0)
    return Alarm(direction=each.direction, at=at, cases=cases)
