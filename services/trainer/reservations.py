"""What speaks against a model, in sentences that its report, card, bundle and scores repeat."""

from dataclasses import dataclass

import numpy as np

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.discrimination import harrell_c
from shared.arrays import Flags, Floats

EVENTS_A_COLUMN = 10
"""Fewer tell the weight of a column badly: Peduzzi et al., J Clin Epidemiol 1996;49:1373."""
ONE_SIDE = 0.02
"""A smaller share of patients on one side of a threshold is as good as none."""


@dataclass(frozen=True, eq=False)
class Tried:
    """A model on n patients whom it had not seen; of a cross-validation, its repeats."""

    title: str
    outcome: Outcome
    log_risks: tuple[Floats, ...]
    """[n] each."""
    flagged: Flags
    """[repeats, n], called high."""
    by_rule: Flags | None
    """[n], called high by the profile's rule; None where it does not part them."""
    columns: int
    """That were weighted in one model."""


def reservations(tried: Tried) -> tuple[str, ...]:
    """A sentence for each: no better than the rule, a threshold that parts nobody, few events for the columns."""
    return tuple(filter(None, (_against_rule(tried), _one_sided(tried), _few_events(tried))))


def _against_rule(tried: Tried) -> str:
    if tried.by_rule is None:
        return ""
    rule = _concordance(tried.outcome, tried.by_rule.astype(np.float64))
    own = float(np.mean([_concordance(tried.outcome, log_risk) for log_risk in tried.log_risks]))
    if not own <= rule:
        return ""
    figures = f"a C of {own:.3f} against {rule:.3f} on patients not learned from"
    return f"{tried.title}: no better than the rule, with {figures}."


def _one_sided(tried: Tried) -> str:
    share = float(tried.flagged.mean())
    if ONE_SIDE <= share <= 1 - ONE_SIDE:
        return ""
    side = "high" if share > ONE_SIDE else "low"
    of_all = share if side == "high" else 1 - share
    return f"{tried.title}: its threshold tells nobody apart; it calls {100 * of_all:.0f} % of patients {side}."


def _few_events(tried: Tried) -> str:
    events = int(tried.outcome.is_event.sum())
    if events >= EVENTS_A_COLUMN * tried.columns:
        return ""
    return (
        f"{tried.title}: {events} events for {tried.columns} columns, fewer than {EVENTS_A_COLUMN} a column; "
        "single weights and hazard ratios are uncertain."
    )


def _concordance(outcome: Outcome, log_risk: Floats) -> float:
    return float(harrell_c(outcome, log_risk)(np.ones((1, len(outcome))))[0])
