"""Observed against expected by quarter, site, subgroup and risk; groups of few cases are not shown."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date

import numpy as np

from services.trainer.metrics.bootstrap import NO_FIGURE, Bootstrap, Figure, rounded
from services.trainer.metrics.discrimination import harrell_c
from services.trainer.monitoring.followed import FollowedCase, outcome_of
from services.trainer.monitoring.monitor_report import Alarm, GroupFigures
from services.trainer.monitoring.observed_expected import expected, observed, ratio
from shared.model.case_values import CaseValues
from shared.model.profile import Profile

LEAST = 10
"""Cases with which a group is shown."""
MOST = 24
"""Groups of one kind that are shown, the largest or the latest."""
_EVENTS, _SAMPLES, _SEED = 5, 500, 1
"""Events with which a group has a C; bootstrap samples and seed of its interval."""


def figures(name: str, cases: Sequence[FollowedCase], alarms: tuple[Alarm, ...] = ()) -> GroupFigures:
    """Of one group; its name alone where it is too small."""
    if len(cases) < LEAST:
        return GroupFigures(name=name)
    events, expectation = observed(cases), expected(cases)
    return GroupFigures(
        name=name,
        n=len(cases),
        events=events,
        expected=rounded(expectation),
        o_e=ratio(events, expectation),
        harrell_c=_concordance(cases) if events >= _EVENTS else NO_FIGURE,
        alarms=alarms,
    )


def _concordance(cases: Sequence[FollowedCase]) -> Figure:
    log_risk = np.array([case.latest.log_risk for case in cases])
    return Bootstrap.of(len(cases), _SEED, _SAMPLES).figure(harrell_c(outcome_of(cases), log_risk)).rounded()


def by_quarter(cases: Iterable[FollowedCase]) -> tuple[GroupFigures, ...]:
    """The latest quarters in which years begin to count, in order; none where days are not known."""
    known = (case for case in cases if case.begins)
    grouped = _grouped(known, lambda case: quarter(case.begins or date.min))
    return tuple(figures(name, grouped[name]) for name in sorted(grouped)[-MOST:])


def sites(cases: Iterable[FollowedCase]) -> dict[str, list[FollowedCase]]:
    """Cases of the largest sites, by name; none where there is one site."""
    grouped = _grouped((case for case in cases if case.site), lambda case: case.site)
    largest = sorted(grouped, key=lambda site: (-len(grouped[site]), site))[:MOST]
    return {f"site {name}": grouped[name] for name in sorted(largest)} if len(grouped) > 1 else {}


def subgroups(cases: Sequence[FollowedCase], profile: Profile) -> dict[str, list[FollowedCase]]:
    """Cases of the subgroups of the profile, by what their scores state; a missing value is in none."""
    rules = {name: profile.expression(text) for name, text in profile.subgroups.items()}
    known = [CaseValues.of_case(profile, case.latest.values) for case in cases]
    return {
        name: [case for case, values in zip(cases, known, strict=True) if rule(values.column)[0]]
        for name, rule in list(rules.items())[:MOST]
    }


def by_risk(cases: Sequence[FollowedCase]) -> tuple[GroupFigures, ...]:
    """Thirds by the risk at the first horizon."""
    at_horizon = [float(np.interp(case.latest.horizon_years, case.latest.years, case.latest.risk)) for case in cases]
    thirds = np.array_split(np.argsort(at_horizon, kind="stable"), 3)
    names = ("lowest third of risks", "middle third", "highest third")
    return tuple(figures(name, [cases[i] for i in third]) for name, third in zip(names, thirds, strict=True))


def quarter(day: date) -> str:
    """Such as 2026-Q1."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def _grouped(cases: Iterable[FollowedCase], name_of: Callable[[FollowedCase], str]) -> dict[str, list[FollowedCase]]:
    grouped: dict[str, list[FollowedCase]] = defaultdict(list)
    for case in cases:
        grouped[name_of(case)].append(case)
    return grouped
