"""What speaks against a model, in sentences that its report, card, bundle and scores repeat."""

from dataclasses import dataclass

import numpy as np

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.discrimination import harrell_c
from shared.arrays import Flags, Floats

EVENTS_A_COLUMN = 10
"""With fewer, the weight of a column is uncertain: Peduzzi et al., J Clin Epidemiol 1996;49:1373."""
ONE_SIDE = 0.02
"""A smaller share of patients on one side of a threshold counts as none."""


@dataclass(frozen=True, eq=False)
class AssessedModel:
    """A model on n patients that it was not fitted on; in a cross-validation, all repeats."""

    title: str
    outcome: Outcome
    log_risks: tuple[Floats, ...]
    """[n] each."""
    flagged: Flags
    """[repeats, n], called high."""
    by_rule: Flags | None
    """[n], called high by the profile's rule; None where patients lack its variables."""
    columns: int
    """Columns that have a weight in one model."""


def reservations(model: AssessedModel) -> tuple[str, ...]:
    """A sentence for each: no better than the rule, a one-sided threshold, few events for the columns."""
    return tuple(filter(None, (_against_rule(model), _one_sided(model), _few_events(model))))


def without_weight(title: str, where: str, fitted_on: str = "all patients of whom these are known") -> str:
    """The sentence about models in which a block of slides or vectors, which was given, counts for nothing."""
    return (
        f"{title[:1].upper()}{title[1:]}: read, but without weight in {where}, for want of a sufficient sign of a "
        "relation to the outcome of patients left out. Risks there come from the other variables alone, as fitted on "
        f"{fitted_on}."
    )


def _against_rule(model: AssessedModel) -> str:
    if model.by_rule is None:
        return ""
    rule = _concordance(model.outcome, model.by_rule.astype(np.float64))
    own = float(np.mean([_concordance(model.outcome, log_risk) for log_risk in model.log_risks]))
    if not own <= rule:
        return ""
    figures = f"a C of {own:.3f} against {rule:.3f} on patients not learned from"
    return f"{model.title}: no better than the rule, with {figures}."


def _one_sided(model: AssessedModel) -> str:
    share = float(model.flagged.mean())
    if ONE_SIDE <= share <= 1 - ONE_SIDE:
        return ""
    side = "high" if share > ONE_SIDE else "low"
    of_all = share if side == "high" else 1 - share
    return f"{model.title}: its threshold does not separate patients; it calls {100 * of_all:.0f} % of patients {side}."


def _few_events(model: AssessedModel) -> str:
    events = int(model.outcome.is_event.sum())
    if events >= EVENTS_A_COLUMN * model.columns:
        return ""
    return (
        f"{model.title}: {events} events for {model.columns} columns, fewer than {EVENTS_A_COLUMN} a column; "
        "single weights and hazard ratios are uncertain."
    )


def _concordance(outcome: Outcome, log_risk: Floats) -> float:
    return float(harrell_c(outcome, log_risk)(np.ones((1, len(outcome))))[0])
