"""Reservations about a model: the rule is as good, its threshold separates nobody, few events for its columns."""

from dataclasses import replace

import numpy as np
import pytest

from services.trainer.arms.hazards import Prediction
from services.trainer.arms.registry import PRIMARY
from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.evaluation.pooled import ArmResult, Pooled
from services.trainer.evaluation.reserved import reserved
from services.trainer.profile import load_profile
from services.trainer.reservations import AssessedModel, reservations, without_weight

EVENTS = np.array([1] * 30 + [0] * 70)
OUTCOME = Outcome(np.where(EVENTS == 1, np.linspace(0.5, 3, 100), 5.0), EVENTS)
GOOD = np.where(EVENTS == 1, 1.0, -1.0) + np.linspace(0, 1, 100)
SOUND = AssessedModel("Model fused", OUTCOME, (GOOD,), (GOOD > 0.5)[None], by_rule=np.arange(100) % 2 == 0, columns=3)


def test_nothing_is_said_against_a_model_that_beats_the_rule_on_enough_events() -> None:
    assert reservations(SOUND) == ()


def test_a_model_that_is_no_better_than_the_rule_says_so_with_both_figures() -> None:
    (sentence,) = reservations(replace(SOUND, log_risks=(-GOOD,), by_rule=EVENTS == 1))
    assert sentence.startswith("Model fused: no better than the rule, with a C of 0.")
    assert "against 0.9" in sentence


def test_a_model_as_good_as_the_rule_is_no_better() -> None:
    rule = EVENTS == 1
    assert "no better than the rule" in reservations(replace(SOUND, log_risks=(rule * 1.0,), by_rule=rule))[0]


@pytest.mark.parametrize(("high", "side"), [(True, "100 % of patients high"), (False, "100 % of patients low")])
def test_a_threshold_on_one_side_of_all_patients_is_named_with_its_side(high: bool, side: str) -> None:
    (sentence,) = reservations(replace(SOUND, flagged=np.full((2, 100), high)))
    assert side in sentence


@pytest.mark.parametrize(("columns", "count"), [(3, 0), (4, 1)])
def test_fewer_than_ten_events_a_column_are_counted(columns: int, count: int) -> None:
    sentences = reservations(replace(SOUND, columns=columns))
    assert len(sentences) == count
    assert all("30 events for 4 columns, fewer than 10 a column" in sentence for sentence in sentences)


def test_without_a_rule_there_is_nothing_to_be_better_than() -> None:
    assert reservations(replace(SOUND, log_risks=(-GOOD,), by_rule=None)) == ()


@pytest.mark.parametrize(("effects", "count"), [((1.0, 1.0), 0), ((1.0, 0.0), 1), ((0.0, 0.0), 2)])
def test_fits_in_which_slides_tell_nobody_apart_are_counted(effects: tuple[float, ...], count: int) -> None:
    profile, fold_of = load_profile(), np.arange(100)[None] % 2
    values = np.full((100, len(profile.variables)), np.nan)
    cohort = Cohort(profile, "c", tuple(map(str, range(100))), ("",) * 100, values, OUTCOME, "0" * 64)
    unknown = np.full((100, 1), np.nan)
    of_slides = Prediction(np.array(effects)[fold_of[0]] * GOOD, unknown, unknown)
    flags, limits = np.arange(100)[None] % 2 == 0, np.zeros(2)
    arms = {
        name: ArmResult(name, name, (prediction,), flags, limits)
        for name, prediction in {"pathomics": of_slides, PRIMARY: Prediction(GOOD, unknown, unknown)}.items()
    }
    sentences = reserved(Pooled(cohort, np.zeros(1), arms, {}, fold_of, ()), columns=1)
    assert sentences == ((without_weight("slides", f"{count} of 2 fits"),) if count else ())
