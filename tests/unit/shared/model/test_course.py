"""Risk over time: hand-counted curves and conditional risks, and what holds for every arm."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.arrays import Floats
from shared.model.arm import Arm
from shared.model.calibration import Recalibration
from shared.model.case_values import CaseValues
from shared.model.course import Course, CourseModel
from shared.model.hazards import Fit, linear_cause
from shared.model.prediction import predict
from shared.model.profile import Profile
from tests.support.fusion import PROFILE, parts

HORIZONS = (3.0, 5.0)
NOBODY = CaseValues(Profile.model_validate(PROFILE), {}, 1)
CLINICAL = Arm.model_validate(parts()["clinical.json"])
KNOWN = CaseValues.of_case(NOBODY.profile, {"stage": "M1", "age": 4.0})
increments = st.lists(st.floats(0.001, 0.8), min_size=5, max_size=5)


def arm_of(event: Floats, competing: Floats, *refits: Fit) -> Arm:
    """An arm without columns: every patient is the average one."""
    return Arm(columns=(), times_years=np.arange(1.0, 6.0), fit=fit_of(event, competing), refits=refits)


def fit_of(event: Floats, competing: Floats) -> Fit:
    none = np.zeros(0)
    return Fit(event=linear_cause(none, event), competing=(linear_cause(none, competing),))


def conditional(course: Course) -> dict[tuple[float, float], float]:
    keys = zip(course.event_free_years.tolist(), course.horizons_years.tolist(), strict=True)
    return dict(zip(keys, course.event_free.risk[0].tolist(), strict=True))


def test_a_patient_without_an_event_has_what_is_left_of_the_risk_over_the_survival() -> None:
    """Of 100 patients 20 relapse and 5 die in year one, and of the 75 others half relapse until year three."""
    hazard = -np.log(0.75)
    first, rest = hazard * np.array([0.8, 0.2]), np.array([-np.log(0.5), 0.0])
    event, competing = np.array([[f, f + r / 2, f + r, f + r, f + r] for f, r in zip(first, rest, strict=True)])
    course = CourseModel(arm_of(event, competing), HORIZONS)(NOBODY, [1.0])
    assert course.incidence.risk[0, course.years.tolist().index(3.0)] == pytest.approx(0.2 + 0.75 * 0.5)
    assert conditional(course) == {(1.0, 3.0): pytest.approx(0.5), (1.0, 5.0): pytest.approx(0.5)}


def test_each_time_without_an_event_has_a_risk_by_each_later_horizon() -> None:
    course = CourseModel(CLINICAL, HORIZONS)(KNOWN, [1.0, 2.0, 3.0, 5.0])
    assert list(conditional(course)) == [(1.0, 3.0), (1.0, 5.0), (2.0, 3.0), (2.0, 5.0), (3.0, 5.0)]


@given(increments, increments, st.floats(1e-9, 1e-6))
def test_no_time_without_an_event_leaves_the_risk_as_it_is(event: list[float], other: list[float], soon: float) -> None:
    arm = arm_of(np.cumsum(event), np.cumsum(other))
    course = CourseModel(arm, HORIZONS)(NOBODY, [soon])
    assert course.event_free.risk[0] == pytest.approx(predict(arm, NOBODY, HORIZONS).risk[0], abs=1e-5)


@given(increments, increments, st.floats(0.01, 4.99))
def test_a_conditional_risk_is_that_of_the_hazards_that_are_left(
    event: list[float], other: list[float], since: float
) -> None:
    times = np.arange(1.0, 6.0)
    hazards: list[Floats] = [np.cumsum(event), np.cumsum(other)]
    start = [np.interp(since, [0, *times], [0, *hazard]) for hazard in hazards]
    course = CourseModel(arm_of(hazards[0], hazards[1]), (5.0,))(NOBODY, [since])
    steps = np.linspace(since, 5.0, 4001)
    total = [np.interp(steps, [0, *times], [0, *hazard]) - first for hazard, first in zip(hazards, start, strict=True)]
    survival = np.exp(-np.sum(total, axis=0))
    by_sum = float((np.diff(total[0]) * (survival[1:] + survival[:-1]) / 2).sum())
    assert course.event_free.risk[0, 0] == pytest.approx(by_sum, abs=1e-5)


def test_the_curve_rises_from_zero_and_meets_risk_and_interval_at_the_horizons() -> None:
    recalibrations = [Recalibration(intercept=0.3, slope=0.8), Recalibration(intercept=0.5, slope=1.2)]
    course = CourseModel(CLINICAL, HORIZONS, recalibrations)(KNOWN, [1.0])
    prediction = predict(CLINICAL, KNOWN, HORIZONS, recalibrations)
    places = [course.years.tolist().index(years) for years in HORIZONS]
    band = course.incidence
    assert (course.years[0], course.years[-1], len(course.years)) == (0.0, 5.0, 61)
    for curve, at_horizons in ((band.risk, prediction.risk), (band.lo, prediction.lo), (band.hi, prediction.hi)):
        assert curve[0, 0] == 0
        assert curve[0, places] == pytest.approx(at_horizons[0])
    assert (band.lo <= band.risk).all()
    assert (band.risk <= band.hi).all()


@given(
    st.lists(st.tuples(st.floats(-2, 2), st.floats(0.3, 3)), min_size=2, max_size=2), increments, st.floats(0.1, 4.9)
)
def test_a_recalibrated_curve_never_falls_and_never_leaves_probabilities(
    moves: list[tuple[float, float]], event: list[float], since: float
) -> None:
    arm = arm_of(np.cumsum(event), 0.05 * np.arange(1.0, 6.0), fit_of(2 * np.cumsum(event), np.arange(1.0, 6.0)))
    recalibrations = [Recalibration(intercept=intercept, slope=slope) for intercept, slope in moves]
    course = CourseModel(arm, HORIZONS, recalibrations)(NOBODY, [since])
    for curve in (course.incidence.risk, course.incidence.lo, course.incidence.hi, course.event_free.risk):
        assert (curve >= 0).all()
        assert (curve <= 1).all()
    assert (np.diff(course.incidence.risk) >= -1e-12).all()
    assert (np.diff(course.incidence.lo) >= -1e-12).all()


def test_contradicting_recalibrations_keep_the_risk_of_the_earlier_horizon() -> None:
    course = CourseModel(CLINICAL, HORIZONS, [Recalibration(), Recalibration(intercept=-3)])(KNOWN, [])
    at_three = course.incidence.risk[0, course.years.tolist().index(3.0)]
    assert course.incidence.risk[0, -1] == pytest.approx(at_three)


def test_without_refits_nothing_is_known_of_the_spread_but_at_the_start() -> None:
    band = CourseModel(arm_of(np.arange(1.0, 6.0), np.arange(1.0, 6.0)), HORIZONS)(NOBODY, []).incidence
    assert (band.lo[0, 0], band.hi[0, 0]) == (0, 0)
    assert (band.lo[0, 1:] == 0).all()
    assert (band.hi[0, 1:] == 1).all()
