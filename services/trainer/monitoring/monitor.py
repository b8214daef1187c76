"""Scores as they were given and outcomes that came later, put together into a monitoring report."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date

import numpy as np

from services.trainer.metrics import calibration
from services.trainer.metrics.bootstrap import NO_FIGURE, Bootstrap
from services.trainer.monitoring import groups, inputs
from services.trainer.monitoring.chart import Chart, Design
from services.trainer.monitoring.followed import Abstention, FollowedCase, GivenRisk, LaterOutcome, outcome_of
from services.trainer.monitoring.monitor_report import (
    Alarm,
    ChartPoint,
    GroupFigures,
    HorizonCalibration,
    Monitored,
    MonitorReport,
    Sequential,
)
from services.trainer.monitoring.watch import Watch, predicted, watched
from shared.model.profile import Profile
from shared.notice import NOTICE
from shared.words import counted

NO_OUTCOME, KNOWN_BEFORE = "no outcome yet", "outcome known before the score, or no day to count from"
ABSTAINED = "the model abstained"
_EVENTS, _SAMPLES, _SEED = 10, 500, 1
"""Events by the horizon with which there is a calibration; bootstrap samples and seed."""
_MOST_POINTS = 400
SOON_YEARS = 0.25
"""From diagnosis to the score, of the cases that calibration at a horizon is of."""


def monitor(
    risks: Sequence[GivenRisk],
    outcomes: Mapping[str, LaterOutcome],
    profile: Profile,
    design: Design,
    abstentions: Collection[Abstention] = (),
) -> MonitorReport:
    """The report; `outcomes` by case."""
    by_bundle: dict[str, list[GivenRisk]] = defaultdict(list)
    for risk in risks:
        by_bundle[risk.bundle].append(risk)
    return MonitorReport(
        version=1,
        notice=NOTICE,
        event=profile.outcome.codes[profile.outcome.event_of_interest],
        least=groups.LEAST,
        bundles=tuple(
            _monitored(scores, outcomes, profile, design, _abstained(abstentions, scores))
            for scores in by_bundle.values()
        ),
    )


def _abstained(abstentions: Collection[Abstention], scores: Sequence[GivenRisk]) -> int:
    """Cases of which the bundle of `scores` has abstentions alone."""
    cases = {each.case_id for each in abstentions if each.bundle == scores[0].bundle}
    return len(cases.difference(score.case_id for score in scores))


def _monitored(
    scores: Sequence[GivenRisk],
    outcomes: Mapping[str, LaterOutcome],
    profile: Profile,
    design: Design,
    abstained: int,
) -> Monitored:
    cases, sequential = sequential_of(scores, outcomes, design)
    risks = _latest(scores, cases)
    known = sum(risk.case_id in outcomes for risk in risks)
    left_out = {NO_OUTCOME: len(risks) - known, KNOWN_BEFORE: known - len(cases), ABSTAINED: abstained}
    days = sorted(str(risk.given_on) for risk in risks if risk.given_on)
    overall = groups.figures("all", cases)
    of_sites, of_subgroups = _watched_groups(cases, profile, sequential.events_planned, design)
    return Monitored(
        bundle=risks[0].bundle,
        name=risks[0].bundle_name,
        simulated=any(risk.simulated for risk in risks),
        scored=len(risks),
        followed=len(cases),
        left_out={why: count for why, count in left_out.items() if count},
        first=days[0] if days else "",
        last=days[-1] if days else "",
        overall=overall,
        calibration=_calibration(cases, risks[0].horizon_years),
        by_risk=groups.by_risk(cases),
        quarters=groups.by_quarter(cases),
        sites=of_sites,
        subgroups=of_subgroups,
        inputs=inputs.by_quarter(risks),
        sequential=sequential,
        flagged=bool(sequential.alarms) or any(group.alarms for group in (*of_sites, *of_subgroups)),
        sentence=_sentence(sequential, len(cases), (*of_sites, *of_subgroups)),
    )


def _watched_groups(
    cases: Sequence[FollowedCase], profile: Profile, planned: int, design: Design
) -> tuple[tuple[GroupFigures, ...], tuple[GroupFigures, ...]]:
    """Sites and subgroups with their alarms; `planned` expected events of all planned cases."""
    kinds = groups.sites(cases), groups.subgroups(cases, profile)
    watch = Watch.of(design, planned, [group for kind in kinds for group in kind.values()])
    of = predicted(cases)
    of_sites, of_subgroups = (
        tuple(groups.figures(name, group, watch.alarms(group, of)) for name, group in kind.items()) for kind in kinds
    )
    return of_sites, of_subgroups


def _calibration(cases: Sequence[FollowedCase], years: float) -> HorizonCalibration:
    """At the first horizon, of the first scores of cases that were scored soon after diagnosis.

    Cases that were scored later had no event until then, so with them too few events would seem to happen.
    """
    cases = [case for case in cases if case.since <= SOON_YEARS]
    outcome = outcome_of(cases)
    events = int((outcome.is_event & (outcome.time <= years)).sum()) if cases else 0
    if events < _EVENTS:
        return HorizonCalibration(horizon_years=years, events=events)
    first = [case.scores[0] for case in cases]
    risk = np.array([np.interp(years, score.years, score.risk) for score in first])
    draws = Bootstrap.of(len(cases), _SEED, _SAMPLES)
    spread = float(np.ptp(risk)) > 1e-9
    return HorizonCalibration(
        horizon_years=years,
        events=events,
        o_e=draws.figure(calibration.observed_over_expected(outcome, risk, years)).rounded(),
        intercept=draws.figure(calibration.intercept(outcome, risk, years)).rounded(),
        slope=draws.figure(calibration.slope(outcome, risk, years)).rounded() if spread else NO_FIGURE,
    )


def sequential_of(
    scores: Sequence[GivenRisk], outcomes: Mapping[str, LaterOutcome], design: Design
) -> tuple[list[FollowedCase], Sequential]:
    """The cases of a bundle's scores that were followed, and the charts of them."""
    by_case = _by_case(scores)
    joined = (FollowedCase.joined(by_case[case], outcomes[case]) for case in by_case if case in outcomes)
    cases = [case for case in joined if case]
    return cases, _sequential(_latest(scores, cases), cases, design)


def _by_case(scores: Sequence[GivenRisk]) -> dict[str, list[GivenRisk]]:
    """Scores of each case in order."""
    by_case: dict[str, list[GivenRisk]] = defaultdict(list)
    for score in sorted(scores, key=lambda score: score.given_on or date.min):
        by_case[score.case_id].append(score)
    return by_case


def _latest(scores: Sequence[GivenRisk], cases: Sequence[FollowedCase]) -> list[GivenRisk]:
    """Of each case the last score before its outcome; the last of all where it has none."""
    last = {case: ordered[-1] for case, ordered in _by_case(scores).items()}
    return list((last | {case.latest.case_id: case.latest for case in cases}).values())


def _sequential(risks: Sequence[GivenRisk], cases: Sequence[FollowedCase], design: Design) -> Sequential:
    planned = max(1, round(design.cases * float(np.mean([risk.hazard[-1] for risk in risks]))))
    both = watched(cases, planned, design)
    more, fewer = both.charts
    return Sequential(
        ratio=design.ratio,
        false_alarms=design.false_alarms,
        cases_planned=design.cases,
        events_planned=planned,
        threshold_more=more.threshold,
        threshold_fewer=fewer.threshold,
        clock="calendar" if cases and all(case.begins for case in cases) else "case by case",
        points=_points(more, fewer),
        alarms=both.alarms,
    )


def _points(more: Chart, fewer: Chart) -> tuple[ChartPoint, ...]:
    """Both charts, thinned out evenly where they have many points; their highest values stay."""
    evenly = np.linspace(0, len(more.at) - 1, min(len(more.at), _MOST_POINTS)).round().astype(int)
    shown = np.unique([*evenly, more.values.argmax(), fewer.values.argmax()])
    return tuple(
        ChartPoint(
            expected=round(float(more.at[i]), 3),
            more=round(float(more.values[i]), 3),
            fewer=round(float(fewer.values[i]), 3),
        )
        for i in shown
    )


def _sentence(sequential: Sequential, followed: int, parts: Sequence[GroupFigures]) -> str:
    """What the charts say, in words."""
    if followed < groups.LEAST:
        return f"{counted(followed, 'case')} with an outcome after the score: too few to say anything of the model."
    alarms = [("", sequential.alarms[0])] if sequential.alarms else []
    worst = sorted((part for part in parts if part.alarms), key=lambda part: -abs(np.log(part.o_e.est or 1e-9)))
    alarms += [(f"In {part.name}: ", part.alarms[0]) for part in worst]
    if not alarms:
        cases = counted(followed, "case")
        return f"In {cases} with an outcome, events came neither more nor less often than predicted beyond chance."
    return " ".join(where + _in_words(alarm) for where, alarm in alarms)


def _in_words(alarm: Alarm) -> str:
    often, too = ("more", "low") if alarm.direction == "more" else ("less", "high")
    reached = f"the chart reached its threshold {alarm.when}"
    return f"Events come {often} often than predicted: {reached}. Risks of this model may be too {too}."
