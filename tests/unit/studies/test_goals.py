"""Goals without a study of their own stand in the note, and are judged by rule."""

from typing import Any

import pytest

from tests.studies import __main__ as science
from tests.studies.claim_rows import claim_criteria, matched_contrasts
from tests.studies.document import document
from tests.studies.goals import goals
from tests.studies.landmarks import landmark_criteria, landmark_section

_LANDMARK = {"arm": "fused", "event_free_years": 1.0, "horizon_years": 3.0, "n": 200, "events": 20}


def cross_validated(*cohorts: tuple[int, float, float]) -> dict[str, Any]:
    """Results of cohorts with a seed, observed over expected at the landmark, and the gain of a random feature."""
    rows = [
        {
            "seed": seed,
            "controls": {"random_feature_gain": {"est": gain}},
            "landmarks": [_LANDMARK | {"o_e": {"est": o_e}, "uno_c": {"est": 0.7}}],
        }
        for seed, o_e, gain in cohorts
    ]
    return {"cross-validated": {"value": {"1": {"rows": rows}}}}


@pytest.mark.parametrize(("o_e", "met"), [(1.0, True), (1.5, False)])
def test_a_seed_counts_once_at_a_landmark_with_all_its_effects(o_e: float, met: bool) -> None:
    results = cross_validated((1, o_e - 0.1, 0.0), (1, o_e + 0.1, 0.0), (2, o_e, 0.0))
    (row,) = landmark_criteria(results)
    assert row.met is met
    assert row.measured == f"{o_e:.2f} ({o_e:.2f} to {o_e:.2f}) over 2 seeds"
    assert f"{o_e:.2f} ({o_e:.2f} to {o_e:.2f})" in landmark_section(results)


@pytest.mark.parametrize(("gain", "met"), [(0.04, True), (0.0, False)])
def test_a_higher_specificity_is_shown_where_the_interval_over_seeds_lies_above_nothing(gain: float, met: bool) -> None:
    names = {"a": "fused", "b": "clinical", "lo": None, "hi": None}
    contrasts = [names | {"metric": "specificity_at_sensitivity_0.8_3y"}, names | {"metric": "uno_c"}]
    rows = [
        {"seed": seed, "matched": matched_contrasts([row | {"est": gain + seed / 1000} for row in contrasts])}
        for seed in (-1, 0, 1)
    ]
    shown, cavalli = claim_criteria({"cross-validated": {"value": {"1.6": {"rows": rows}}}})
    assert (shown.met, cavalli.met) == (met, None)
    assert shown.text.endswith("higher specificity at a sensitivity of 0.80, 3 years, fused less clinical")


@pytest.mark.parametrize(("gain", "met"), [(0.009, True), (-0.012, False)])
def test_noise_is_judged_by_the_mean_over_seeds(gain: float, met: bool) -> None:
    rows = goals(cross_validated((1, 1.0, gain), (2, 1.0, gain)), None)
    assert [row.met for row in rows if row.text.startswith("SIMULATED, cross-validated")] == [met]


@pytest.mark.parametrize(("gain", "met"), [((0.02, 0.01), [True, True]), ((-0.02, -0.03), [False, False])])
def test_finetuning_is_judged_by_harm_and_by_a_gain_that_was_shown(gain: tuple[float, float], met: list[bool]) -> None:
    gains = {"gain_exported": {"est": gain[0], "lo": gain[1], "hi": gain[0] + 0.01}}
    report = {"sets": [{"title": "lung", "macro_auc": gains, "exported": ["tuned", "frozen"]}]}
    rows = [row for row in goals({}, report) if row.text.startswith("Fine-tuning")]
    assert [row.met for row in rows] == met
    assert "1 of 2 runs" in rows[1].measured


def test_the_note_names_cohorts_that_are_not_here_and_the_run_of_finetuning() -> None:
    results = science.read_results(science.RESULTS)
    note = document(results, science.read_finetuning(science.RESULTS))
    assert note.count("not measured: no such cohort is here; nearest: ") == 3
    assert "| finetuning | `make science ONLY=finetuning` | 71001, 71002 | 10 of 10 |" in note
