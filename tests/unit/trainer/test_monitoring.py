"""Outcomes against scores as they were given: expected events, charts, groups, on cases small enough to count."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from services.trainer.monitoring.chart import Design, Direction, chart, highest_values, threshold
from services.trainer.monitoring.clock import clock
from services.trainer.monitoring.followed import FollowedCase, LaterOutcome
from services.trainer.monitoring.given_hazard import cumulative_hazard
from services.trainer.monitoring.groups import figures, quarter, sites
from services.trainer.monitoring.inputs import by_chance, stability
from services.trainer.monitoring.monitor import KNOWN_BEFORE, NO_OUTCOME, monitor, sequential_of
from services.trainer.monitoring.observed_expected import ratio
from services.trainer.monitoring.page import render
from services.trainer.monitoring.watch import DIRECTIONS, Watch, predicted, watched
from services.trainer.profile import load_profile
from shared.model.incidence import cumulative_incidence, event_free_survival
from tests.support.monitoring import YEARS, given, stream

FIRST = date(2026, 1, 1)


def joined(case: str, years: float, event: int, given_on: date | None = None) -> FollowedCase:
    followed = FollowedCase.joined([given(case, given_on=given_on)], LaterOutcome(event, years))
    assert followed
    return followed


def test_the_hazard_of_a_score_is_that_of_its_arm_also_where_events_compete() -> None:
    ends, zero = [np.array([1.5]), np.array([0.5])], [np.zeros(1), np.zeros(1)]
    risk = cumulative_incidence(np.array([5.0]), ends, zero, YEARS[1:])[0]
    free = event_free_survival(np.array([5.0]), ends, zero, np.array([1.0, 2.0, 3.0]))[0]
    hazard = cumulative_hazard(YEARS, np.concatenate([[0.0], risk]), dict(zip((1.0, 2.0, 3.0), free, strict=True)))
    assert hazard == pytest.approx(0.3 * YEARS, abs=0.02)
    assert cumulative_hazard(YEARS, 1 - np.exp(-0.2 * YEARS), {}) == pytest.approx(0.2 * YEARS)


def test_expected_events_are_the_hazard_that_a_case_was_followed_through() -> None:
    assert joined("A", 2.0, 0).expected == pytest.approx(0.4)
    late = FollowedCase.joined([given("B", given_on=FIRST)], LaterOutcome(1, 3.0, diagnosed=date(2025, 1, 1)))
    assert late is not None
    assert late.expected == pytest.approx(0.4, abs=0.01)  # scored a year after diagnosis
    past = joined("C", 9.0, 1)
    assert (past.event, past.until) == (0, 5.0)


@pytest.mark.parametrize(
    "later",
    [
        LaterOutcome(1, 0.5, diagnosed=FIRST - timedelta(days=365)),
        LaterOutcome(1, ends=FIRST - timedelta(days=1)),
    ],
)
def test_an_outcome_known_before_the_score_is_not_counted(later: LaterOutcome) -> None:
    assert FollowedCase.joined([given("A", given_on=FIRST)], later) is None


def test_a_score_counts_until_the_next_of_its_case() -> None:
    scores = [given("A", 0.2, FIRST), given("A", 0.3, FIRST + timedelta(days=365)), given("A", 0.9, date(2029, 1, 1))]
    case = FollowedCase.joined(scores, LaterOutcome(1, 2.5, diagnosed=FIRST))
    assert case is not None
    assert (case.since, case.latest.hazard[-1], len(case.scores)) == (0.0, 1.5, 2)
    assert case.expected == pytest.approx(0.2 * 1.0 + 0.3 * 1.5, abs=0.01)
    assert case.expected_by(np.array([0.5, 2.0, 9.0])) == pytest.approx([0.1, 0.5, 0.65], abs=0.01)


def test_right_risks_that_are_given_again_every_year_are_not_flagged() -> None:
    risks, outcomes = stream(300, 1.0, 8802)
    again = [replace(risk, given_on=(risk.given_on or FIRST) + timedelta(days=365)) for risk in risks]
    (once,) = monitor(risks, outcomes, load_profile(), Design()).bundles
    (twice,) = monitor([*again, *risks], outcomes, load_profile(), Design()).bundles
    assert (twice.flagged, twice.scored) == (False, 300)
    assert twice.overall == once.overall


def test_cases_that_were_scored_long_after_diagnosis_do_not_enter_the_calibration_at_a_horizon() -> None:
    risks, outcomes = stream(120, 1.0, 8803)
    late = [given(f"LATE-{i}", 0.2, date(2024, 1, 1)) for i in range(60)]
    survived = {risk.case_id: LaterOutcome(0, 4.0, diagnosed=date(2022, 1, 1)) for risk in late}
    (early,) = monitor(risks, outcomes, load_profile(), Design()).bundles
    (both,) = monitor([*risks, *late], outcomes | survived, load_profile(), Design()).bundles
    assert both.followed == early.followed + 60
    assert both.calibration == early.calibration
    assert early.calibration.o_e.est is not None


def test_the_interval_of_no_events_is_that_of_a_poisson_count() -> None:
    figure = ratio(0, 2.0)
    assert (figure.est, figure.lo) == (0.0, 0.0)
    assert figure.hi == pytest.approx(3.68888 / 2, abs=1e-4)


def test_a_chart_rises_by_events_and_falls_by_expected_ones() -> None:
    rising = chart(Design(ratio=2.0), "more", np.array([0.5, 0.6]), 1.0, 1.2)
    log2 = float(np.log(2))
    assert rising.values == pytest.approx([0, 0, log2, log2 - 0.1, 2 * log2 - 0.1, 2 * log2 - 0.5])
    assert rising.alarm_at == pytest.approx(0.6)
    falling = chart(Design(ratio=2.0), "fewer", np.array([3.0]), 4.0, 1.4)
    assert falling.values == pytest.approx([0, 1.5, 1.5 - log2, 2 - log2])
    assert falling.alarm_at == pytest.approx(3.0)


@pytest.mark.parametrize("direction", ["more", "fewer"])
def test_false_alarms_are_as_rare_as_stated_on_other_seeds(direction: Direction) -> None:
    design = Design(false_alarms=0.1)
    highest = highest_values(design, direction, 60.0, 1.0, 4000, np.random.default_rng(8801))
    assert (highest >= threshold(design, direction, 60)).mean() == pytest.approx(0.05, abs=0.015)


def test_the_calendar_orders_events_and_ends_at_what_was_expected() -> None:
    cases = [joined("A", 2.0, 1, FIRST), joined("B", 1.0, 1, FIRST), joined("C", 3.0, 0, FIRST)]
    time = clock(cases)
    assert time.labels == ("2027-01", "2028-01")
    assert time.events == pytest.approx([0.6, 1.0], abs=0.01)
    assert time.total == pytest.approx(1.2)
    assert clock([joined("A", 2.0, 1), joined("B", 1.0, 0)]).labels == ("case 1",)


def test_small_groups_have_a_name_and_nothing_else() -> None:
    cases = [joined(f"MB-{i}", 1.0, int(i < 6)) for i in range(10)]
    assert figures("few", cases[:9]).model_dump(mode="json") == {"name": "few"}
    shown = figures("enough", cases)
    assert (shown.n, shown.events) == (10, 6)
    assert shown.expected == pytest.approx(2.0)
    assert sites(cases) == {}
    assert quarter(date(2026, 4, 1)) == "2026-Q2"


def test_stability_is_none_of_even_percentiles_and_large_of_shifted_ones() -> None:
    even = [10.0 * i + 5 for i in range(10)] * 10
    assert stability(even) == pytest.approx(0, abs=1e-3)
    assert stability([90.0] * 100) > 0.25
    draws = np.random.default_rng(8804).uniform(0, 100, (400, 60))
    assert np.mean([stability(each) > by_chance(60) for each in draws]) == pytest.approx(0.05, abs=0.025)


def test_right_risks_are_not_flagged_and_doubled_hazards_are() -> None:
    profile = load_profile()
    (right,) = monitor(*stream(300, 1.0, 8802), profile, Design()).bundles
    report = monitor(*stream(300, 2.0, 8803), profile, Design())
    (doubled,) = report.bundles
    assert not right.flagged
    assert doubled.flagged
    assert (right.overall.o_e.lo or 9) < 1 < (right.overall.o_e.hi or 0) < (doubled.overall.o_e.est or 0)
    assert doubled.sequential.alarms[0].direction == "more"
    assert "more often than predicted" in doubled.sentence
    page = render(report)
    assert "Flagged." in page
    assert "MB-1" not in page


def test_the_highest_value_of_a_long_chart_is_shown() -> None:
    cases, sequential = sequential_of(*stream(900, 1.3, 8805), Design())
    time = clock(cases)
    for direction in DIRECTIONS:
        shown = [getattr(point, direction) for point in sequential.points]
        whole = chart(Design(), direction, time.events, time.total, 1.0)
        assert len(whole.at) > len(shown)
        assert max(shown) == pytest.approx(whole.values.max(), abs=1e-3)


def test_cases_without_an_outcome_and_with_an_early_one_are_counted() -> None:
    risks = [given(f"MB-{i}", given_on=FIRST) for i in range(3)]
    early = LaterOutcome(1, ends=FIRST - timedelta(days=9))
    (only,) = monitor(risks, {"MB-0": early, "MB-1": LaterOutcome(0, 1.0)}, load_profile(), Design()).bundles
    assert only.left_out == {NO_OUTCOME: 1, KNOWN_BEFORE: 1}
    assert "too few" in only.sentence


def test_a_site_whose_hazard_doubled_is_flagged_and_named_where_all_cases_together_are_not() -> None:
    risks, outcomes = stream(300, 1.0, 8802)
    doubled, later = stream(90, 3.0, 8805)
    moved = [replace(risk, case_id=f"OTHER-{risk.case_id}", site="north") for risk in doubled]
    others = {f"OTHER-{case}": outcome for case, outcome in later.items()}
    (both,) = monitor([*risks, *moved], outcomes | others, load_profile(), Design(ratio=2.0)).bundles
    alarms = {group.name: [alarm.direction for alarm in group.alarms] for group in both.sites}
    assert alarms == {"site S0": [], "site S1": [], "site S2": [], "site north": ["more"]}
    assert both.flagged
    assert "In site north: Events come more often than predicted" in both.sentence


def test_groups_share_the_budget_of_alarms_and_small_ones_have_none() -> None:
    cases = [joined(f"MB-{i}", 1.0, 0) for i in range(40)]
    watch = Watch.of(Design(false_alarms=0.06), 100, [cases[:20], cases[20:], cases[:9], cases[:30]])
    assert watch.design.false_alarms == pytest.approx(0.02)
    assert watch.alarms(cases[:9], predicted(cases)) == ()


@pytest.mark.parametrize("planned", [1, 2, 4, 8])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_an_alarm_is_no_more_frequent_than_allowed_with_few_expected_events(direction: Direction, planned: int) -> None:
    design = Design(false_alarms=0.01)
    highest = highest_values(design, direction, float(planned), 1.0, 40_000, np.random.default_rng(8806))
    assert (highest >= threshold(design, direction, planned)).mean() < 0.008


def test_a_group_of_high_risk_has_the_thresholds_of_the_events_that_are_predicted_for_it() -> None:
    low = [FollowedCase.joined([given(f"L-{i}", 0.1)], LaterOutcome(0, 5.0)) for i in range(80)]
    high = [FollowedCase.joined([given(f"H-{i}", 0.4)], LaterOutcome(0, 5.0)) for i in range(20)]
    kept = [case for case in high if case]
    everyone = [case for case in (*low, *high) if case]
    watch = Watch.of(Design(), 80, [kept])
    assert predicted(kept) == pytest.approx(predicted(everyone) / 2)
    assert watch.alarms(kept, predicted(everyone)) == watched(kept, 40, watch.design).alarms
    assert threshold(watch.design, "fewer", 40) > threshold(watch.design, "fewer", 16)


def test_a_site_without_any_event_is_flagged_in_words_that_name_no_place() -> None:
    risks, outcomes = stream(300, 1.0, 8802)
    quiet = [given(f"Q-{i}", 0.3, FIRST + timedelta(days=3 * i), "south") for i in range(60)]
    none = {case.case_id: LaterOutcome(0, 4.0) for case in quiet}
    report = monitor([*risks, *quiet], outcomes | none, load_profile(), Design())
    (both,) = report.bundles
    assert (
        "In site south: Events come less often than predicted: the chart reached its threshold without an event."
        in (both.sentence)
    )
    assert "threshold reached without an event" in render(report)
