"""Ways in which a rule and the operating range enter a ridge Cox model of the record, each fitted on training patients.

Data of a fit are those of training patients alone: columns, ridge and blend are chosen by their inner folds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.columns import fit_columns, log_risk_columns, ridge_shares
from services.trainer.arms.cox import Sample, choose_ridge, fit_cox
from services.trainer.arms.rule import flagged
from services.trainer.arms.tabular import PENALTIES
from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.matched import Constant, specificity_at
from shared.arrays import Flags, Floats, Ints
from shared.model.column import Column, design_matrix
from shared.model.profile import RULE_VARIABLE, Profile
from shared.model.variable import Variable

LogRisk = Callable[[Patients], Floats]
RANGE = (0.70, 0.74, 0.78, 0.82, 0.86)
"""Sensitivities of the operating range, over which specificity is averaged where something is chosen by it."""
FIRST = 1000.0
"""A weight of the rule that no log-risk outweighs."""
_CUTS: dict[str, tuple[float | str, ...]] = {"extent_of_resection": ("STR",), "residual_area_cm2": (1.5,)}
"""Cuts of the rule and of risk groups that the profile's variables do not have."""


@dataclass(frozen=True)
class Way:
    """How the rule and the operating range enter a model."""

    rule_share: float | None = None
    """Share of the ridge that the column of the rule bears; None without that column."""
    cuts: bool = False
    """Further cuts of variables are columns."""
    interactions: bool = False
    """Products of the rule with the other columns of the record are columns."""
    by_range: bool = False
    """The ridge is the one of the largest specificity over the operating range, not of the partial likelihood."""
    blends: tuple[float, ...] = (0.0,)
    """Weights with which the rule's answer is added to the log-risk; of several, the best over the operating range."""


RIDGE, COLUMN = "ridge of today", "rule column"
WAYS = {
    RIDGE: Way(),
    COLUMN: Way(1.0),
    "rule column, 1 % of the ridge": Way(0.01),
    "rule column and cuts": Way(1.0, cuts=True),
    "rule column and interactions": Way(1.0, interactions=True),
    "ridge by operating range": Way(by_range=True),
    "rule column, ridge by operating range": Way(1.0, by_range=True),
    "rule blended by operating range": Way(blends=(0.0, 0.25, 0.5, 1.0, 2.0, FIRST)),
    "rule first, then ridge": Way(blends=(FIRST,)),
}


@dataclass(frozen=True, eq=False)
class Design:
    """Standardised columns of patients, and products of the rule with those of the record where the way has them."""

    way: Way
    columns: Sequence[Column]

    def __call__(self, patients: Patients) -> Floats:
        """Columns [n, p]."""
        x = design_matrix(self.columns, patients.case_values)
        if not self.way.interactions or not self._rule.any():
            return x
        others = [column.form != "missing" and column.variable != RULE_VARIABLE for column in self.columns]
        factors = np.array(others) & ~self.of_log_risk(patients.cohort.profile)
        return np.column_stack([x, x[:, factors] * x[:, self._rule]])

    @property
    def _rule(self) -> Flags:
        return np.array([column.variable == RULE_VARIABLE and column.form == "level" for column in self.columns])

    def of_log_risk(self, profile: Profile) -> Flags:
        """Columns [p] without products that hold a block's log-risk."""
        return log_risk_columns(self.columns, profile)

    def shares(self, log_risks: Flags) -> Floats:
        """Share [p] of the ridge of each column."""
        shares = ridge_shares(log_risks)
        shares[np.flatnonzero(self._rule)] = self.way.rule_share or 1.0
        return shares


@dataclass(frozen=True, eq=False)
class Training:
    """A design of training patients, with what bounds and penalises its columns."""

    x: Floats
    outcome: Outcome
    folds: Ints
    log_risks: Flags
    shares: Floats

    def weights(self, ridge: float, kept: Ints | Flags) -> Floats:
        """Coefficients [p] of the patients `kept`."""
        outcome = self.outcome[kept]
        sample = Sample.of(self.x[kept], outcome.time, outcome.is_event)
        return fit_cox(sample, ridge * self.shares, non_negative=self.log_risks)

    def out_of_fold(self, ridge: float) -> Floats:
        """Log-risks [n] by the models of the other inner folds."""
        log_risk = np.zeros(len(self.x))
        for fold in np.unique(self.folds):
            mine = self.folds == fold
            log_risk[mine] = self.x[mine] @ self.weights(ridge, ~mine)
        return log_risk


def fit_way(way: Way, patients: Patients, blocks: Sequence[str]) -> LogRisk:
    """Fit a way on the variables of some blocks, all of which are known of every patient."""
    train = as_profile(way, patients)
    profile = train.cohort.profile
    design = Design(way, fit_columns(train.case_values, profile.of_blocks(blocks)))
    x = design(train)
    log_risks = np.append(design.of_log_risk(profile), np.zeros(x.shape[1] - len(design.columns), np.bool_))
    training = Training(x, train.cohort.outcome, train.inner_folds(), log_risks, design.shares(log_risks))
    ridge = _ridge(way, training)
    weights, blend = training.weights(ridge, np.arange(len(x))), _blend(way, train, training, ridge)

    def log_risk(new: Patients) -> Floats:
        return design(as_profile(way, new)) @ weights + blend * flagged(new)

    return log_risk


def as_profile(way: Way, patients: Patients) -> Patients:
    """The same patients by the profile of a way."""
    cohort = patients.cohort
    changes: dict[str, object] = {}
    if way.rule_share is not None:
        changes["rule_as_column"] = cohort.profile.record_blocks[0]
    if way.cuts:
        changes["variables"] = tuple(map(_with_cuts, cohort.profile.variables))
    return replace(patients, cohort=replace(cohort, profile=cohort.profile.model_copy(update=changes)))


def _with_cuts(variable: Variable) -> Variable:
    return variable.model_copy(update={"cuts": (*variable.cuts, *_CUTS.get(variable.name, ()))})


def _ridge(way: Way, training: Training) -> float:
    if not way.by_range:
        outcome, bound = training.outcome, training.log_risks
        return choose_ridge(training.x, outcome.time, outcome.is_event, training.folds, PENALTIES, bound)
    return max(
        sorted(PENALTIES, reverse=True), key=lambda ridge: over_range(training.outcome, training.out_of_fold(ridge))
    )


def _blend(way: Way, train: Patients, training: Training, ridge: float) -> float:
    """The weight of the rule; of several equally good ones the smallest."""
    if len(way.blends) == 1:
        return way.blends[0]
    log_risk, rule = training.out_of_fold(ridge), flagged(train)
    return max(way.blends, key=lambda weight: over_range(training.outcome, log_risk + weight * rule))


def over_range(outcome: Outcome, log_risk: Floats, years: float = 3.0) -> float:
    """Specificity at `years`, averaged over the sensitivities of the operating range."""
    everyone = np.ones((1, len(outcome)))
    return float(np.mean([specificity_at(outcome, log_risk, years, Constant(s))(everyone)[0] for s in RANGE]))
