"""Ways of reading slides are compared on the same draws, and what they gain decides by the stated limits."""

from typing import Any

import numpy as np
import pytest

from tests.studies.prototype_study import PROGRAM, prototypes_summary
from tests.studies.way_summary import ways_criteria, ways_summary


def draw(fused: float, patient_draws: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Gains of one draw of outcomes; the oracle gains 0.04."""
    numbers: dict[str, Any] = {"uno_c.table": 0.6, "harrell_c.table": 0.6}
    for metric in ("uno_c", "harrell_c"):
        numbers |= {f"{metric}.fused": fused, f"{metric}.fused.draws": (fused + patient_draws).tolist()}
        numbers |= {f"{metric}.oracle": 0.04, f"{metric}.oracle.draws": (0.04 + patient_draws).tolist()}
    return numbers


def piece(seed: int, networks: float, hazards: float) -> dict[str, Any]:
    """One set of bags; patients drawn again change both ways alike."""
    patients = np.random.default_rng(seed).normal(scale=0.02, size=50)
    fit: dict[str, Any] = {"patients": 300, "events": 90}
    for name, gain, cpu_s in (("networks", networks, 6.0), ("hazards", hazards, 0.5)):
        fit[name] = {"fit_cpu_s": cpu_s, "external": 400, "latent_r": 0.8, "draws": [draw(gain, patients)] * 2}
    return {
        "plan": {"seed": seed, "slides": False, "patients": 300},
        "value": {"by_effect": {"1": [fit], "1.6": [fit]}},
    }


def test_what_patients_drawn_again_change_in_both_ways_is_not_in_the_interval_of_their_difference() -> None:
    summary = ways_summary([piece(1, 0.020, 0.030), piece(2, 0.020, 0.020)])
    (group,) = summary["groups"]
    assert group["difference"]["est"] == pytest.approx(0.005)
    assert (group["difference"]["lo"], group["difference"]["hi"]) == pytest.approx((0.0, 0.01))
    shares = summary["scenarios"][1]["ways"]
    assert [shares[way]["share"]["est"] for way in ("networks", "hazards")] == pytest.approx([0.5, 0.625])


@pytest.mark.parametrize(("networks", "hazards", "met"), [(0.01, 0.006, True), (0.01, 0.004, False)])
def test_a_way_that_gains_less_than_the_margin_below_networks_does_not_take_their_place(
    networks: float, hazards: float, met: bool
) -> None:
    gain, slides, _, _, cost = ways_criteria(ways_summary([piece(1, networks, hazards), piece(2, networks, hazards)]))
    assert (gain.met, slides.met, cost.met) == (met, None, True)


def test_a_set_of_prototypes_names_the_pattern_in_as_many_seeds_as_its_foremost_shows_it_five_times() -> None:
    plan = {"patients": 400, "effect": 1.6}
    values = [{PROGRAM: {"prototype_ratio": ratio, "purest": 0.5}} for ratio in (4.9, 5.0, 20.0)]
    (scenario,) = prototypes_summary([{"plan": plan, "value": value} for value in values])["scenarios"]
    assert scenario["sets"][PROGRAM]["names"] == 2
