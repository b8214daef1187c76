"""A case that was scored and then followed up: its risks as they were given, and what happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from services.trainer.cohort.cohort import DAYS_A_YEAR, Outcome
from shared.arrays import Floats
from shared.model.variable import Value


@dataclass(frozen=True, eq=False)
class GivenRisk:
    """The risk of a case as its score states it."""

    case_id: str
    bundle: str
    """Digest."""
    bundle_name: str
    simulated: bool
    log_risk: float
    percentile: float
    """Of the log-risk in the training cohort."""
    years: Floats
    """[m], from 0 to the last horizon, rising."""
    risk: Floats
    """[m], probability of the event of interest by each of `years`."""
    hazard: Floats
    """[m], cause-specific cumulative hazard of the event of interest by each of `years`."""
    horizon_years: float
    """The first horizon."""
    given_on: date | None = None
    """When the score was given; None where its files do not tell."""
    site: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    """Of the model's variables, as the score states them; missing ones are absent."""
    missing: frozenset[str] = frozenset()
    """Titles of the blocks, and names of the model's variables, that the case lacked."""
    out_of_distribution: bool = False

    def hazard_at(self, years: Floats | float) -> Floats:
        """Cumulative hazard [k] by some times [k]; beyond the last horizon that of the last horizon."""
        return np.asarray(np.interp(years, self.years, self.hazard), np.float64)


@dataclass(frozen=True, slots=True)
class Abstention:
    """A score without a risk, because the model abstained."""

    case_id: str
    bundle: str
    """Digest."""


@dataclass(frozen=True, slots=True)
class LaterOutcome:
    """What became known of a case: an event, or that there was none of any kind, by some time."""

    event: int
    """0 none, 1 the event of interest, 2 and up what competes."""
    years: float | None = None
    """Since diagnosis; None where `ends` is known alone."""
    ends: date | None = None
    """The day of the event or of the end of follow-up."""
    diagnosed: date | None = None
    site: str = ""

    def years_from(self, begins: date | None) -> float | None:
        """Years since the day from which they count; None where there is no such day."""
        if self.years is not None:
            return self.years
        return (self.ends - begins).days / DAYS_A_YEAR if self.ends and begins else None


@dataclass(frozen=True, eq=False)
class FollowedCase:
    """Scores of a case and its outcome, from the day of the first to the end of follow-up or the last horizon."""

    scores: tuple[GivenRisk, ...]
    """Those before the outcome, in order; each counts until the next. If only the last counted, the time without an
    event before it would be lost, and all events kept.
    """
    starts: tuple[float, ...]
    """Years at which each score was given, rising; what happened before the first could not be predicted."""
    begins: date | None
    """The day from which years count; None where no day is known."""
    until: float
    """Years at the end of follow-up, at most the last horizon."""
    event: int
    """As in LaterOutcome; 0 where it came after the last horizon."""
    site: str

    @classmethod
    def joined(cls, scores: Sequence[GivenRisk], later: LaterOutcome) -> "FollowedCase | None":
        """None where the outcome was known before any score was given, or there is no day to count from.

        `scores`: of one case by one bundle, at least one, in the order in which they were given.
        """
        begins = later.diagnosed or scores[0].given_on
        last, years = float(scores[0].years[-1]), later.years_from(begins)
        if years is None:
            return None
        timed = [(score, _years_between(begins, score.given_on)) for score in scores]
        before = [(score, start) for score, start in timed if start < min(years, last)]
        if not before:
            return None
        counted, starts = zip(*before, strict=True)
        event = later.event if years <= last else 0
        return cls(counted, starts, begins, min(years, last), event, counted[-1].site or later.site)

    @property
    def latest(self) -> GivenRisk:
        """The last score before the outcome."""
        return self.scores[-1]

    @property
    def since(self) -> float:
        """Years at which the first score was given."""
        return self.starts[0]

    @property
    def is_event(self) -> bool:
        """Whether follow-up ended with the event of interest."""
        return self.event == 1

    @property
    def expected(self) -> float:
        """Expected events of interest: the cumulative hazard that the case was followed through."""
        return float(self.expected_by(np.array([self.until]))[0])

    def expected_by(self, years: Floats) -> Floats:
        """The same [k] by some years [k], as far as it was followed."""
        reached = np.clip(years, self.since, self.until)
        ends = (*self.starts[1:], self.until)
        turns = zip(self.scores, self.starts, ends, strict=True)
        counted = (
            score.hazard_at(np.clip(reached, start, end)) - score.hazard_at(start) for score, start, end in turns
        )
        return np.asarray(sum(counted, np.zeros(len(years))), np.float64)

    def day_after(self, years: float) -> float:
        """The day, as an ordinal with its fraction, some years after the first; NaN where that is not known."""
        return self.begins.toordinal() + years * DAYS_A_YEAR if self.begins else float("nan")


def _years_between(begins: date | None, day: date | None) -> float:
    """Years from one day to another; 0 where a day is not known or comes before."""
    return max(0.0, (day - begins).days / DAYS_A_YEAR) if begins and day else 0.0


def outcome_of(cases: Sequence[FollowedCase]) -> Outcome:
    """Times and events of cases."""
    return Outcome(np.array([case.until for case in cases]), np.array([case.event for case in cases], np.int64))
