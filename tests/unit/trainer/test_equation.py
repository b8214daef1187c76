"""The printed equation of a model: a risk computed by hand from its text is the risk that the bundle gives."""

import math
import re

import numpy as np
import pytest

from services.trainer.bundle.equation import equation, equation_text
from services.trainer.profile import load_profile
from services.trainer.report_model.equation import EquationRecalibration, ModelEquation
from shared.model.arm import Arm
from shared.model.calibration import Recalibration
from shared.model.case_values import CaseValues
from shared.model.column import Column
from shared.model.hazards import Fit, linear_cause
from shared.model.prediction import predict

PROFILE = load_profile()
AGE, STAGE = "age_at_diagnosis_years", "chang_m_stage"
COLUMNS = (
    Column(name=AGE, variable=AGE, form="value", impute=7.5, mean=7.5, scale=4.2),
    Column(name=f"{AGE} < 3.0", variable=AGE, form="below", cut=3.0, impute=0.2, mean=0.2, scale=0.44),
    Column(name=f"{STAGE} >= M1", variable=STAGE, form="level", levels=("M1", "M2", "M3"), mean=0.3, scale=0.48),
    Column(name=f"{STAGE} missing", variable=STAGE, form="missing", mean=0.1, scale=2.0),
)
GRID = np.array([0.5, 1.0, 2.0, 3.0, 5.0])


@pytest.fixture
def arm() -> Arm:
    event = linear_cause(np.array([-0.21, 0.33, 0.42, 0.11]), np.array([0.05, 0.11, 0.2, 0.26, 0.31]))
    second = linear_cause(np.array([0.05, 0.0, -0.1, 0.02]), np.array([0.0, 0.01, 0.01, 0.03, 0.05]))
    return Arm(columns=COLUMNS, times_years=GRID, fit=Fit(event=event, competing=(second,)))


def by_hand(text: str, numbers: list[float | None], horizon: float) -> float:
    """The risk from the printed tables alone; `numbers` are a patient's, by row, None where not known."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")
    ]
    years = next(i for i, row in enumerate(rows) if row[0] == "years")
    (_, constant, *terms), hazards = rows[:years], rows[years + 1 :]
    log_hazards = [float(value) for value in constant[2:]]
    for term, number in zip(terms, numbers, strict=True):
        x = float(term[1]) if number is None else number
        log_hazards = [sum_ + x * float(weight) for sum_, weight in zip(log_hazards, term[2:], strict=True)]
    risk, before, last = 0.0, 0.0, [0.0] * len(log_hazards)
    for row in hazards:
        now = [float(value) for value in row[1:]]
        steps = [math.exp(of) * (h - h0) for of, h, h0 in zip(log_hazards, now, last, strict=True)]
        if sum(steps) > 0:
            risk += math.exp(-before) * steps[0] / sum(steps) * (1 - math.exp(-sum(steps)))
        before, last = before + sum(steps), now
        if float(row[0]) == horizon:
            return risk
    raise AssertionError(horizon)


@pytest.mark.parametrize(
    ("age", "stage", "numbers"),
    [(2.0, "M2", [2.0, 1.0, 1.0, 0.0]), (11.0, "M0", [11.0, 0.0, 0.0, 0.0]), (4.0, None, [4.0, 0.0, None, 1.0])],
)
def test_a_risk_computed_by_hand_from_the_printed_equation_is_that_of_the_model(
    arm: Arm, age: float, stage: str | None, numbers: list[float | None]
) -> None:
    levels = PROFILE.variables[PROFILE.position(STAGE)].levels
    place = math.nan if stage is None else float(levels.index(stage))
    case = CaseValues(PROFILE, {AGE: np.array([age]), STAGE: np.array([place])}, 1)
    expected = predict(arm, case, (3.0, 5.0)).risk[0]
    text = equation_text(equation("clinical", arm, PROFILE))
    assert [by_hand(text, numbers, years) for years in (3.0, 5.0)] == pytest.approx(expected.tolist(), abs=1e-6)


def test_the_equation_names_units_cut_offs_levels_and_causes_and_its_recalibration(arm: Arm) -> None:
    written = equation("clinical", arm, PROFILE)
    text = equation_text(written)
    assert "age at diagnosis, years |" in text
    assert "1 if age at diagnosis is below 3 years, else 0 |" in text
    assert "1 if Chang M stage is M1, M2 or M3, else 0 |" in text
    assert "competing event 1" in text
    moved = EquationRecalibration(horizon_years=3.0, intercept=0.25, slope=0.9)
    last = equation_text(written.model_copy(update={"recalibrations": (moved,)}))
    assert "r by 3 years becomes 1 - exp(-exp(0.25 + 0.9 log(-log(1 - r))))" in last
    assert ModelEquation.model_validate(written.model_dump(mode="json")) == written


def test_the_recalibration_that_is_printed_is_the_one_that_is_served(arm: Arm) -> None:
    case = CaseValues(PROFILE, {AGE: np.array([2.0]), STAGE: np.array([0.0])}, 1)
    plain = float(predict(arm, case, (3.0,)).risk[0, 0])
    served = float(predict(arm, case, (3.0,), [Recalibration(intercept=0.25, slope=0.9)]).risk[0, 0])
    sentence = EquationRecalibration(horizon_years=3.0, intercept=0.25, slope=0.9).sentence
    a, b = map(float, re.findall(r"exp\(([\d.]+) \+ ([\d.]+) log", sentence)[0])
    assert 1 - math.exp(-math.exp(a + b * math.log(-math.log(1 - plain)))) == pytest.approx(served)
