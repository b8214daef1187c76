"""What speaks against a model, in one sentence that its report, card, bundle and scores repeat."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.bootstrap import Bootstrap, Figure
from services.trainer.metrics.decision import operating
from services.trainer.metrics.discrimination import harrell_c
from services.trainer.metrics.matched import Constant, specificity_at
from services.trainer.metrics.statistic import Difference, Mean, Statistic
from shared.arrays import Flags, Floats

EVENTS_A_COLUMN = 10
"""With fewer, the weight of a column is uncertain: Peduzzi et al., J Clin Epidemiol 1996;49:1373."""
ONE_SIDE = 0.02
"""A smaller share of patients on one side of a threshold counts as none."""
_NONE = 1e-9
"""A smaller lead counts as none."""


@dataclass(frozen=True, eq=False)
class AssessedModel:
    """A model on n patients that it was not fitted on; in a cross-validation, all repeats."""

    title: str
    outcome: Outcome
    years: float
    """The horizon of `risks`, and of the threshold."""
    log_risks: tuple[Floats, ...]
    """[n] each."""
    risks: tuple[Floats, ...]
    """[n] each."""
    flagged: Flags
    """[repeats, n], called high."""
    by_rule: Flags | None
    """[n], called high by the profile's rule; None where patients lack its variables."""
    columns: int
    """Columns that have a weight in one model."""
    draws: Bootstrap
    """Of the n patients."""
    has_times: bool = True


def reservation(model: AssessedModel) -> str:
    """What speaks against a model; empty where nothing does.

    It has no lead over the rule, in order or in specificity at the rule's sensitivity, or none that its interval shows
    (over chance, where there is no rule); its threshold calls nearly all patients the same, or is not shown to be
    better than chance; it has few events for its columns.
    """
    clauses = [*_against_a_baseline(model), _threshold(model), _few_events(model)]
    return f"{model.title}: {'; '.join(filter(None, clauses))}." if any(clauses) else ""


def without_weight(title: str, where: str, fitted_on: str = "all patients of whom these are known") -> str:
    """The sentence about models in which a block of slides or vectors, which was given, counts for nothing."""
    return (
        f"{title[:1].upper()}{title[1:]}: read, but without weight in {where}, for want of a sufficient sign of a "
        "relation to the outcome of patients left out. Risks there come from the other variables alone, as fitted on "
        f"{fitted_on}."
    )


def _against_a_baseline(model: AssessedModel) -> Iterator[str]:
    order = "C" if model.has_times else "AUC"
    own = Mean([harrell_c(model.outcome, log_risk) for log_risk in model.log_risks])
    if model.by_rule is None:
        yield _doubt("chance", order, own, Constant(0.5), model.draws)
        return
    of_rule = harrell_c(model.outcome, model.by_rule.astype(np.float64))
    yield _doubt("the rule", order, own, of_rule, model.draws, " of its yes or no")
    rule = operating(model.outcome, model.by_rule, model.years)
    of_risks = [specificity_at(model.outcome, risk, model.years, rule.sensitivity) for risk in model.risks]
    held = model.draws.figure(rule.sensitivity).est
    if held is not None:
        what = f"specificity at the rule's sensitivity of {held:.2f}"
        yield _doubt("the rule", what, Mean(of_risks), rule.specificity, model.draws)


def _doubt(baseline: str, what: str, own: Statistic, other: Statistic, draws: Bootstrap, of: str = "") -> str:
    """Empty where the interval of a lead lies above 0, or nothing can be compared."""
    lead, of_own, of_other = draws.figure(Difference(own, other)), draws.figure(own), draws.figure(other)
    lacking = _lacking(lead)
    if not lacking:
        return ""
    return f"{lacking} than {baseline} in {what} ({_number(of_own)} against {_number(of_other)}{of}{_interval(lead)})"


def _lacking(lead: Figure) -> str:
    """What a lead falls short of; empty where its interval lies above 0, or nothing can be compared."""
    if lead.est is None or (lead.lo is not None and lead.lo > 0):
        return ""
    return "no better" if lead.est <= _NONE else "not shown to be better"


def _interval(lead: Figure) -> str:
    if lead.lo is None or lead.hi is None:
        return ", too few events for an interval"
    return f", difference {_signed(lead.lo)} to {_signed(lead.hi)}"


def _threshold(model: AssessedModel) -> str:
    share = float(model.flagged.mean())
    if not ONE_SIDE <= share <= 1 - ONE_SIDE:
        side = "high" if share > ONE_SIDE else "low"
        of_all = share if side == "high" else 1 - share
        return f"its threshold does not separate patients: it calls {100 * of_all:.0f} % of patients {side}"
    acted = [operating(model.outcome, flags, model.years) for flags in model.flagged]
    sensitivity = Mean([each.sensitivity for each in acted])
    specificity = Mean([each.specificity for each in acted])
    alarms = Mean([operating(model.outcome, ~flags, model.years).specificity for flags in model.flagged])
    lacking = _lacking(model.draws.figure(Difference(sensitivity, alarms)))
    if not lacking:
        return ""
    shown = [_number(model.draws.figure(each)) for each in (sensitivity, specificity)]
    rates = f"sensitivity {shown[0]}, specificity {shown[1]}"
    return f"its threshold, which calls {100 * share:.0f} % of patients high, is {lacking} than chance ({rates})"


def _few_events(model: AssessedModel) -> str:
    events = int(model.outcome.is_event.sum())
    if events >= EVENTS_A_COLUMN * model.columns:
        return ""
    return (
        f"{events} events for {model.columns} columns, fewer than {EVENTS_A_COLUMN} a column: single weights and "
        "hazard ratios are uncertain"
    )


def _number(figure: Figure) -> str:
    return "unknown" if figure.est is None else f"{figure.est:.3f}"


def _signed(value: float) -> str:
    return f"{value:z.3f}".replace("-", "\N{MINUS SIGN}")
