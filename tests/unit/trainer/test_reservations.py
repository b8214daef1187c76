"""Reservations about a model: the rule is as good, its threshold separates nobody, few events for its columns."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from services.trainer.arms.hazards import Prediction
from services.trainer.arms.registry import PRIMARY
from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.evaluation.pooled import ArmResult, Pooled
from services.trainer.evaluation.reserved import reserved
from services.trainer.metrics.bootstrap import Bootstrap
from services.trainer.profile import load_profile
from services.trainer.reservations import AssessedModel, reservation, without_weight
from shared.arrays import Flags, Floats

EVENTS = np.array([1] * 30 + [0] * 70)
OUTCOME = Outcome(np.where(EVENTS == 1, np.linspace(0.5, 3, 100), 5.0), EVENTS)
GOOD = np.where(EVENTS == 1, 1.0, -1.0) + np.linspace(0, 1, 100)
DRAWS = Bootstrap.of(100, 1, 200)
SOUND = AssessedModel(
    "Model fused",
    OUTCOME,
    4.0,
    (GOOD,),
    (GOOD,),
    (GOOD > 0.5)[None],
    by_rule=np.arange(100) % 2 == 0,
    columns=3,
    draws=DRAWS,
)


def ordered_by(log_risk: Floats, **changes: Any) -> AssessedModel:
    return replace(SOUND, log_risks=(log_risk,), risks=(log_risk,), **changes)


def first(counts: int) -> Flags:
    return np.arange(100) < counts


def test_nothing_is_said_against_a_model_that_beats_the_rule_on_enough_events() -> None:
    assert reservation(SOUND) == ""


def test_a_model_that_is_no_better_than_the_rule_says_so_with_both_figures() -> None:
    sentence = reservation(ordered_by(-GOOD, by_rule=EVENTS == 1))
    assert sentence.startswith("Model fused: no better than the rule in C (0.")
    assert "against 0.9" in sentence


def test_a_model_as_good_as_the_rule_is_no_better() -> None:
    rule = EVENTS == 1
    assert "no better than the rule in C" in reservation(ordered_by(rule * 1.0, by_rule=rule))


def test_a_higher_c_does_not_hide_a_lower_specificity_at_the_rules_sensitivity() -> None:
    """The rule finds 24 of 30 and spares 43 of 70; the model orders the others well, but these 24 cost it 35 more."""
    rule = np.concatenate([first(24)[:30], np.arange(70) >= 43])
    risk = np.concatenate([np.full(20, 9.0), np.full(10, 3.0), np.full(35, 4.0), np.full(35, 0.0)])
    sentence = reservation(ordered_by(np.asarray(risk, np.float64), by_rule=rule))
    assert "in C" not in sentence
    assert "no better than the rule in specificity at the rule's sensitivity of 0.80 (0.500 against 0.614" in sentence


def test_a_lead_that_its_interval_does_not_show_is_not_shown() -> None:
    rule, turned = EVENTS == 1, np.where(np.arange(100) == 40, 1.0, 0.0)
    almost = np.where(np.arange(100) == 29, 0.0, EVENTS) + 0.0
    sentence = reservation(ordered_by(EVENTS - 0.001 * OUTCOME.time, by_rule=np.asarray(almost + turned > 0)))
    assert "not shown to be better than the rule" in sentence
    assert ", difference " in sentence
    assert "no better" not in sentence
    assert reservation(ordered_by(rule * 1.0, by_rule=np.arange(100) % 2 == 0)) == ""


def test_without_a_rule_a_model_is_held_to_chance() -> None:
    assert reservation(replace(SOUND, by_rule=None)) == ""
    assert "no better than chance in C (0." in reservation(ordered_by(-GOOD, by_rule=None))
    assert "no better than chance in AUC" in reservation(ordered_by(-GOOD, by_rule=None, has_times=False))


@pytest.mark.parametrize(("high", "side"), [(True, "100 % of patients high"), (False, "100 % of patients low")])
def test_a_threshold_on_one_side_of_all_patients_is_named_with_its_side(high: bool, side: str) -> None:
    assert side in reservation(replace(SOUND, flagged=np.full((2, 100), high)))


def test_a_threshold_that_calls_most_patients_high_and_spares_none_is_no_better_than_chance() -> None:
    """It calls 94 of 100 high, and the six that it spares have the event."""
    sentence = reservation(replace(SOUND, flagged=~first(6)[None]))
    assert "which calls 94 % of patients high, is no better than chance" in sentence
    assert "specificity 0.000" in sentence


def test_a_threshold_a_little_better_than_chance_is_not_shown_to_be() -> None:
    few = np.concatenate([first(22)[:30], np.arange(70) < 46])
    assert "is not shown to be better than chance (sensitivity 0.733, specificity 0.343)" in reservation(
        replace(SOUND, flagged=few[None])
    )


@pytest.mark.parametrize(("columns", "count"), [(3, 0), (4, 1)])
def test_fewer_than_ten_events_a_column_are_counted(columns: int, count: int) -> None:
    sentence = reservation(replace(SOUND, columns=columns))
    assert sentence.count("30 events for 4 columns, fewer than 10 a column") == count


@pytest.mark.parametrize(("effects", "count"), [((1.0, 1.0), 0), ((1.0, 0.0), 1), ((0.0, 0.0), 2)])
def test_fits_in_which_slides_tell_nobody_apart_are_counted(effects: tuple[float, ...], count: int) -> None:
    profile, fold_of = load_profile(), np.arange(100)[None] % 2
    values = np.full((100, len(profile.variables)), np.nan)
    cohort = Cohort(profile, "c", tuple(map(str, range(100))), ("",) * 100, values, OUTCOME, "0" * 64)
    unknown = np.full((100, 1), np.nan)
    of_slides = Prediction(np.array(effects)[fold_of[0]] * GOOD, unknown, unknown)
    flags, limits = GOOD[None] > 0.5, np.zeros(2)
    arms = {
        name: ArmResult(name, name, (prediction,), flags, limits)
        for name, prediction in {"pathomics": of_slides, PRIMARY: Prediction(GOOD, GOOD[:, None], unknown)}.items()
    }
    pooled = Pooled(cohort, np.full(1, 3.0), arms, {}, fold_of, ())
    assert reserved(pooled, 1, DRAWS) == ((without_weight("slides", f"{count} of 2 fits"),) if count else ())
