"""What a score says, in sentences that every export repeats."""

from collections.abc import Iterator

from medulla.v1.scorer_pb2 import Contribution, HorizonRisk, Score

from shared.export import score_text

CLEAR = "clear"
"""The state of certainty in which a score may have a risk group."""
SIMULATED = "SIMULATED: the model was fitted on simulated patients; its numbers say nothing about any child."
_CERTAINTY = {
    CLEAR: "The answer is clear",
    "crosses_threshold": "The answer is not certain enough for a risk group",
    "too_uncertain": "The answer is too uncertain for a risk group",
}
_LOG_RISK = " SD"
"""Ends the value of a contribution that is the log-risk of a block, and no variable of the record."""


def notices(score: Score) -> Iterator[str]:
    """What stands on every page and resource."""
    yield score.notice
    if score.simulated:
        yield SIMULATED


def is_clear(score: Score) -> bool:
    """Whether the interval lets the risk be read; scores of older programs, which do not state it, are not clear."""
    return score.HasField("certainty") and score.certainty.state == CLEAR


def interval(risk: HorizonRisk) -> str:
    """One risk with its interval."""
    span = f"{risk.level:.0%} interval {risk.lo:.1%} to {risk.hi:.1%}"
    return f"Risk of relapse within {risk.horizon_years:g} years: {risk.risk:.1%} ({span})."


def record_values(score: Score) -> list[Contribution]:
    """The variables of the clinical record that the model reads, with their values as they were read."""
    return [item for item in score.contributions if not item.columns and not item.value.endswith(_LOG_RISK)]


def label(item: Contribution) -> str:
    """What people call a variable."""
    return item.label or score_text.plain(item.variable)


def caveats(score: Score) -> Iterator[str]:
    """What a person should know before relying on the score."""
    if score.abstained:
        yield f"No risk is given: {score.abstained_reason}"
    elif score.HasField("certainty"):
        yield f"{_CERTAINTY.get(score.certainty.state, score.certainty.state)}: {score.certainty.rule}."
    yield from score_text.attention_needed(score)
    if score.HasField("out_of_distribution"):
        yield f"The case lies {score_text.distance(score.out_of_distribution)}."
    if score.modalities_missing:
        yield f"Missing: {', '.join(score.modalities_missing)}."
