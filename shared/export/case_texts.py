"""What a score says, in sentences that every export repeats."""

from collections.abc import Iterator

from medulla.v1.scorer_pb2 import Contribution, HorizonRisk, MissingVariable, Score

from shared.export import risk_text, score_text

SIMULATED = "SIMULATED: the model was fitted on simulated patients; its numbers say nothing about any child."
_LOG_RISK = " SD"
"""Ends the value of a contribution that is the log-risk of a block, and no variable of the record."""


def notices(score: Score) -> Iterator[str]:
    """What stands on every page and resource."""
    yield score.notice
    if score.simulated:
        yield SIMULATED


def states_clear(score: Score) -> bool:
    """Whether the score states that its interval lets the risk be read; those of older programs do not."""
    return score.HasField("certainty") and score.certainty.state == risk_text.CLEAR


def interval(risk: HorizonRisk) -> str:
    """One risk with its interval."""
    return f"Risk of relapse within {risk.horizon_years:g} years: {risk_text.interval(risk)}."


def risk_lines(score: Score) -> Iterator[str]:
    """The risks, unless the scorer abstained, and what a person should know before relying on them."""
    if not score.abstained:
        yield from map(interval, score.risks)
    yield from caveats(score)


def record_values(score: Score) -> list[Contribution]:
    """The variables of the clinical record that the model reads, with their values as they were read."""
    return [item for item in score.contributions if not item.columns and not item.value.endswith(_LOG_RISK)]


def label(item: Contribution | MissingVariable) -> str:
    """What people call a variable."""
    return item.label or score_text.plain(item.variable)


def caveats(score: Score) -> Iterator[str]:
    """What a person should know before relying on the score."""
    if score.abstained:
        yield f"No risk is given: {score.abstained_reason}"
    elif score.HasField("certainty"):
        yield f"Certainty: {risk_text.certainty(score)}; {score.certainty.rule}."
    yield from score_text.attention_needed(score)
    if score.HasField("out_of_distribution"):
        yield f"The case lies {score_text.distance(score.out_of_distribution)}."
    if score.modalities_missing:
        yield f"Missing: {', '.join(score.modalities_missing)}."
