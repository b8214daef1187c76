"""The study of HANCOCK shows what each block adds, and judges its criteria by arm."""

from typing import Any

import pytest

from tests.studies.criteria import criteria
from tests.studies.sections import by_block

FEWER = "clinical_pathological_blood_cells"


def gain(est: float, p_holm: float) -> dict[str, Any]:
    interval = {"est": est, "lo": est - 0.01, "hi": est + 0.01}
    return {"a": "fused", "b": "less", "metric": "uno_c", "p": p_holm / 9, "p_holm": p_holm} | interval


def evaluated(clinical_pathological: float) -> dict[str, Any]:
    """What an evaluation says of the arms that criteria are about, and of two blocks."""

    def arm(c: float) -> dict[str, Any]:
        figure = {"est": c, "lo": c - 0.03, "hi": c + 0.03}
        calibration = dict.fromkeys(("o_e", "slope", "intercept"), figure)
        folds = {"mean": c, "sd": 0.03, "folds": 25}
        return {"n": 9, "harrell_c": figure, "uno_c": figure, "folds": folds, "calibration": calibration}

    value: dict[str, Any] = {"contrasts": [], "primary": "", "left_out": 1, "absent": {}, "splits": "0" * 64}
    value |= {"cohort": {"n": 9, "events": {"1": 4}, "meanings": {"1": "recurrence"}}}
    value |= {"arms": {"clinical_pathological": arm(clinical_pathological), FEWER: arm(0.705)}}
    return value | {"block_gains": {"blood counts": gain(0.012, 0.03), "H&E texture": gain(-0.02, 0.4)}}


def test_what_each_block_adds_comes_before_the_arms() -> None:
    section = by_block(evaluated(0.7))
    assert "| blood counts | Uno's C | 0.0120 (0.0020 to 0.0220) | 0.003 | 0.030 |" in section
    assert section.index("| H&E texture |") < section.index("| arm |")


@pytest.mark.parametrize(("c", "met"), [(0.694, True), (0.6939, False)])
def test_criteria_are_judged_by_the_mean_over_folds_and_gains_by_adjusted_p(c: float, met: bool) -> None:
    judged = {
        criterion.text: criterion
        for criterion in criteria({"hancock": {"value": evaluated(c)}})
        if "HANCOCK" in criterion.text
    }
    record, fewer, blood, texture = judged.values()
    assert (record.met, fewer.met, blood.met, texture.met) == (met, True, None, None)
    assert record.text.endswith("clinical + pathological: C ≥ 0.694")
    assert blood.measured.endswith("p 0.030 (Holm): a gain")
    assert texture.measured.endswith("p 0.400 (Holm): none shown")
