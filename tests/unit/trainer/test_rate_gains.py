"""The sentence on sensitivity and specificity: what was shown is named with its figures, and what was not."""

import pytest

from services.trainer.metrics.bootstrap import Contrast
from services.trainer.rate_gains import RateGain, rates_sentence

SHOWN = Contrast(0.12, 0.03, 0.21, 0.004)
UNSHOWN = Contrast(0.02, -0.04, 0.09, 0.5)
MINUS = "\N{MINUS SIGN}"


def of(gain: Contrast, against: str = "clinical variables alone", p_holm: float | None = 0.02) -> RateGain:
    return RateGain(against, "sensitivity", "a specificity of 0.80", gain, p_holm)


def test_what_was_shown_and_what_was_not_stand_in_one_sentence_by_what_is_compared_with() -> None:
    gains = [of(SHOWN), of(UNSHOWN), of(UNSHOWN, "the rule")]
    assert rates_sentence("all blocks together", 3, gains) == (
        "All blocks together at 3 years: against clinical variables alone a higher sensitivity at a specificity of "
        "0.80 was shown (0.12, 0.03 to 0.21), a higher sensitivity at a specificity of 0.80 was not shown (0.02, "
        f"{MINUS}0.04 to 0.09); against the rule a higher sensitivity at a specificity of 0.80 was not shown (0.02, "
        f"{MINUS}0.04 to 0.09)."
    )


@pytest.mark.parametrize(
    ("gain", "p_holm", "clause"),
    [
        (
            SHOWN,
            0.06,
            "a higher sensitivity at a specificity of 0.80 was not shown (0.12, 0.03 to 0.21; p by Holm 0.06)",
        ),
        (
            Contrast(-0.1, -0.2, -0.05, 0.01),
            0.3,
            f"a lower sensitivity at a specificity of 0.80 was shown ({MINUS}0.10",
        ),
        (Contrast(0.1, None, None, None), None, "was not shown (0.10, too few events for an interval)"),
        (Contrast(None, None, None, None), None, "cannot be estimated"),
    ],
)
def test_each_gain_has_the_conclusion_of_its_interval_and_of_holm(
    gain: Contrast, p_holm: float | None, clause: str
) -> None:
    assert clause in rates_sentence("model fused", 3, [of(gain, p_holm=p_holm)])


def test_without_anything_to_compare_there_is_no_sentence() -> None:
    assert rates_sentence("model fused", 3, []) == ""
