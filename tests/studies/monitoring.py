"""How soon the charts of `medulla monitor` find changed hazards, and how often they are wrong, on SIMULATED cases.

A case has a hazard of relapse that differs between cases and falls with time, and a competing one; its score is right
until the change. Cases come one a week, are scored within five weeks of diagnosis, and are followed until they leave or
until the day of the look.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.cohort.cohort import DAYS_A_YEAR
from services.trainer.monitoring.chart import Design
from services.trainer.monitoring.followed import FollowedCase, GivenRisk, LaterOutcome
from services.trainer.monitoring.given_hazard import cumulative_hazard
from services.trainer.monitoring.groups import sites
from services.trainer.monitoring.monitor import sequential_of
from services.trainer.monitoring.monitor_report import Alarm
from services.trainer.monitoring.watch import Watch, predicted
from shared.arrays import Floats
from shared.model.course import EVENT_FREE_YEARS
from shared.model.incidence import cumulative_incidence, event_free_survival

_YEARS = np.linspace(0, 5, 61)
_FIRST, _EVERY_DAYS, _LOOK_YEARS = date(2030, 1, 1), 7, 2.0
"""Day of the first case, days between cases, and years between the last case and the look."""
_BASELINE = 0.45 * (1 - np.exp(-_YEARS / 2.5))
"""Cumulative hazard of the average case: relapses are rare after five years (Weibull and cure, SCIENCE 2e)."""
_COMPETING, _LOSS, _SPREAD = 0.015, 0.05, 0.7
"""Competing events and losses to follow-up a year; standard deviation of log hazards."""


@dataclass(frozen=True)
class MonitoringPlan:
    """Streams of cases drawn with the seeds `first` to `first + streams - 1`."""

    first: int
    streams: int
    cases: int
    ratio: float
    """Of the hazard to the predicted one from case `changed_from` on."""
    changed_from: int
    sites: int = 1
    """Of which the first one's hazard changes; with several an alarm is that of a site's charts."""

    @property
    def kind(self) -> str:
        """See Plan."""
        return "SIMULATED-monitoring"

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan; of each stream its O/E, and the cases scored at the first alarm, None without one.

        With several sites the cases are those of the changed site, or of whichever alarms first where risks are right.
        """
        del data, work
        looks = [self._stream(seed) for seed in range(self.first, self.first + self.streams)]
        return {"o_e": [look[0] for look in looks], "alarms": [look[1] for look in looks]}

    def _stream(self, seed: int) -> tuple[float, int | None]:
        rng = np.random.default_rng([seed, 29])
        log_hazard = rng.normal(0, _SPREAD, self.cases)
        risks = list(_given(log_hazard, rng))
        places = np.arange(self.cases)
        ratios = np.where((places < self.changed_from) | (places % self.sites > 0), 1.0, self.ratio)
        later = {risk.case_id: _outcome(risk, ratios[i], self.cases, rng) for i, risk in enumerate(risks)}
        cases, sequential = sequential_of(risks, later, Design(cases=self.cases))
        o_e = sum(case.is_event for case in cases) / sum(case.expected for case in cases)
        alarms = sequential.alarms if self.sites == 1 else self._of_sites(cases, sequential.events_planned)
        return float(o_e), min((alarm.cases for alarm in alarms), default=None)

    def _of_sites(self, cases: Sequence[FollowedCase], planned: int) -> list[Alarm]:
        groups = sites([replace(case, site=f"{_place(case.latest) % self.sites}") for case in cases])
        watch = Watch.of(Design(cases=self.cases), planned, groups.values())
        looked_at = groups if self.ratio == 1 else ["site 0"]
        return [alarm for name in looked_at for alarm in watch.alarms(groups[name], predicted(cases))]


def _given(log_hazard: Floats, rng: np.random.Generator) -> Iterator[GivenRisk]:
    """Right scores of cases, read as those of a case are read: from the curve and the risks given no event."""
    hazards, log_hazards = [_BASELINE[1:], _COMPETING * _YEARS[1:]], [log_hazard, np.zeros(len(log_hazard))]
    risks = cumulative_incidence(_YEARS[1:], hazards, log_hazards, _YEARS[1:])
    free = event_free_survival(_YEARS[1:], hazards, log_hazards, np.array(EVENT_FREE_YEARS))
    waits = rng.integers(10, 35, len(log_hazard)).tolist()
    for place, incidence in enumerate(risks):
        risk = np.concatenate([[0.0], incidence])
        yield GivenRisk(
            case_id=f"SIMULATED-{place}",
            bundle="0" * 64,
            bundle_name="SIMULATED",
            simulated=True,
            log_risk=float(log_hazard[place]),
            percentile=50.0,
            years=_YEARS,
            risk=risk,
            hazard=cumulative_hazard(_YEARS, risk, dict(zip(EVENT_FREE_YEARS, free[place].tolist(), strict=True))),
            horizon_years=3.0,
            given_on=_FIRST + timedelta(days=_EVERY_DAYS * place + waits[place]),
        )


def _outcome(risk: GivenRisk, ratio: float, cases: int, rng: np.random.Generator) -> LaterOutcome:
    """The first of relapse, competing event, loss and the day of the look; years count from diagnosis."""
    place = _place(risk)
    looked = (cases - place) * _EVERY_DAYS / DAYS_A_YEAR + _LOOK_YEARS
    relapse = _time_of(ratio * np.exp(risk.log_risk) * _BASELINE, rng.exponential())
    ends = [min(rng.exponential(1 / _LOSS), looked), relapse, rng.exponential(1 / _COMPETING)]
    diagnosed = _FIRST + timedelta(days=_EVERY_DAYS * place)
    return LaterOutcome(int(np.argmin(ends)), float(min(ends)), diagnosed=diagnosed)


def _place(risk: GivenRisk) -> int:
    return int(risk.case_id.removeprefix("SIMULATED-"))


def _time_of(hazard: Floats, reached: float) -> float:
    """When a cumulative hazard reaches a value; never within the years is beyond them."""
    return float(np.interp(reached, hazard, _YEARS)) if reached < hazard[-1] else np.inf
