"""Refits of a bundle's arms: what else might be true of a patient; their spread is the interval of a case's risk.

One draw holds for all arms and has three parts, so that the interval covers a patient's own risk and not only the
model's mean:
- the fit: patients drawn again, and coefficients held back towards a draw from their prior instead of towards 0, so
  that what shrinkage takes away is part of the spread (weighted Bayesian bootstrap: Newton, Polson and Xu, Can J Stat
  2021;49:421; the prior is in `shrinkage`). A block's log-risk keeps its bound: a refit that would give it a negative
  weight gives it 0. Cutting draws off below 0 keeps the coverage of an interval of any weight from 0 up. Draws from the
  normal distribution truncated at 0, or reflected there, are all above 0: their interval would not hold a weight of 0,
  which the fit itself may have, and a reflected draw would take evidence against a weight for evidence for it;
- what is missing: an arm that knows less than the fullest one adds what the columns beyond its own say of a training
  patient drawn at random, less what its own columns tell of that; a missing value adds what the variable says of one
  (imputation drawn, not fixed);
- the evidence: models of slides or vectors that learned from different patients disagree, so each block's log-risk is
  a measurement with error; what it leaves unseen is drawn as classical measurement error (Carroll et al., Measurement
  Error 2006, chapter 3). An out-of-fold log-risk is taken to correlate with what it measures as two such models do with
  each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.columns import log_risk_columns, ridge_shares
from services.trainer.arms.cox import Sample, baseline, fit_cox
from services.trainer.arms.tabular import COMPETING, Tabular
from services.trainer.bundle.shrinkage import Shrinkage
from services.trainer.cohort.cohort import Cohort
from shared.arrays import Floats, Ints
from shared.model.column import Column
from shared.model.hazards import Fit, linear_cause

_LEAST_AGREEMENT = 0.3
_WARM_UP = 15
"""Draws that are thrown away."""


@dataclass(frozen=True, eq=False)
class ArmFit:
    """A fitted arm: its model, the patients it was fitted on, and their standardised columns [members, p]."""

    model: Tabular
    members: Ints
    design: Floats

    @property
    def columns(self) -> tuple[Column, ...]:
        """Columns of the design."""
        return self.model.arm.columns

    def among(self, drawn: Ints) -> Ints:
        """Rows of the design for the patients `drawn` [n], repeats included, without those who are not members."""
        place = np.full(int(max(self.members.max(), drawn.max())) + 1, -1)
        place[self.members] = np.arange(len(self.members))
        rows = place[drawn]
        return np.asarray(rows[rows >= 0], np.int64)


def draw_refits(
    arms: Sequence[ArmFit], patients: Patients, agreements: Mapping[str, float], count: int
) -> list[tuple[Fit, ...]]:
    """`count` refits of every arm; the fullest arm comes first.

    `agreements`: by block, the correlation of two models of it that learned from different patients; 1 where unknown.
    """
    rng = np.random.default_rng([patients.seed, 61])
    priors = [_prior(arm, patients.cohort) for arm in arms]
    drawn = []
    for step in range(_WARM_UP + count if count else 0):
        fits = _refits(arms, priors, patients, rng)
        priors = [prior.after(fit.event.coefficients, rng) for prior, fit in zip(priors, fits, strict=True)]
        if step >= _WARM_UP:
            drawn.append(_with_what_is_missing(arms, fits, patients, agreements, rng))
    return [tuple(fits[i] for fits in drawn) for i in range(len(arms))]


def _prior(arm: ArmFit, cohort: Cohort) -> Shrinkage:
    """Start of the sampler for the event of interest: the arm's ridge, of which a log-risk bears its share."""
    return Shrinkage.start(ridge_shares(log_risk_columns(arm.columns, cohort.profile)), arm.model.ridge)


def _refits(
    arms: Sequence[ArmFit], priors: Sequence[Shrinkage], patients: Patients, rng: np.random.Generator
) -> list[Fit]:
    resampled = rng.integers(0, len(patients), len(patients))
    return [_refit(arm, prior, patients.cohort, resampled, rng) for arm, prior in zip(arms, priors, strict=True)]


def _refit(arm: ArmFit, event_prior: Shrinkage, cohort: Cohort, resampled: Ints, rng: np.random.Generator) -> Fit:
    """The same columns and bounds on resampled patients, every cause shrunk towards a draw from its prior."""
    rows = arm.among(resampled)
    mine = cohort.outcome[arm.members]
    non_negative = log_risk_columns(arm.columns, cohort.profile)
    competing_prior = Shrinkage.start(np.ones(arm.design.shape[1]), COMPETING)
    causes = []
    for code in mine.causes:
        prior = event_prior if code == 1 else competing_prior
        sample = Sample.of(arm.design[rows], mine.time[rows], mine.event[rows] == code)
        coefficients = fit_cox(sample, prior.ridges, towards=prior.towards(rng), non_negative=non_negative)
        causes.append(linear_cause(coefficients, baseline(sample, coefficients, arm.model.arm.times_years)))
    return Fit(event=causes[0], competing=tuple(causes[1:]))


def _with_what_is_missing(
    arms: Sequence[ArmFit],
    fits: Sequence[Fit],
    patients: Patients,
    agreements: Mapping[str, float],
    rng: np.random.Generator,
) -> list[Fit]:
    weights = fits[0].event.coefficients
    unseen = sum(
        _unseen(arms[0].columns, weights, block.log_risk, agreements.get(block.name, 1.0), rng)
        for block in patients.cohort.profile.evidence_blocks
    )
    return [
        _shifted(_imputed(arm, fit, patients, rng), unseen + _beyond(arms[0], weights, arm, rng))
        for arm, fit in zip(arms, fits, strict=True)
    ]


def _beyond(fullest: ArmFit, weights: Floats, arm: ArmFit, rng: np.random.Generator) -> float:
    """Log hazard of the columns that only the fullest arm has, given the arm's own; mean hazard 1."""
    mine = {column.variable for column in arm.columns}
    extra = [i for i, column in enumerate(fullest.columns) if column.variable not in mine]
    both = np.intersect1d(fullest.members, arm.members)
    if not extra or not len(both):
        return 0.0
    log_hazard = fullest.design[fullest.among(both)][:, extra] @ weights[extra]
    known = np.column_stack([np.ones(len(both)), arm.design[arm.among(both)]])
    rest = log_hazard - known @ np.linalg.lstsq(known, log_hazard, rcond=None)[0]
    rest = rest * np.sqrt(len(rest) / max(len(rest) - known.shape[1], 1))
    return float(rng.choice(rest) - np.log(np.mean(np.exp(rest))))


def _unseen(
    columns: Sequence[Column], weights: Floats, log_risk: str, agreement: float, rng: np.random.Generator
) -> float:
    """Log hazard of what a block shows and the models of it do not see: mean hazard 1."""
    weight = sum(float(value) for column, value in zip(columns, weights, strict=True) if column.variable == log_risk)
    reliability = max(agreement, _LEAST_AGREEMENT) ** 2
    spread = weight * np.sqrt((1 - reliability) / reliability)
    return float(spread * rng.normal() - spread**2 / 2)


def _imputed(arm: ArmFit, fit: Fit, patients: Patients, rng: np.random.Generator) -> Fit:
    """Give each indicator of a missing value the log hazard of a training patient drawn at random."""
    event = fit.event
    coefficients, level = event.coefficients.copy(), 0.0
    for place, column in enumerate(arm.columns):
        if column.form == "missing":
            drawn = _drawn_value(arm, event.coefficients, column, patients, rng)
            coefficients[place] += drawn * column.scale
            level += drawn * column.mean
    changed = linear_cause(coefficients, event.baseline * np.exp(level))
    return fit.model_copy(update={"event": changed})


def _drawn_value(
    arm: ArmFit, coefficients: Floats, missing: Column, patients: Patients, rng: np.random.Generator
) -> float:
    """Log hazard of a variable's columns for a random patient with a known value; mean hazard 1."""
    values = patients.cohort.case_values.column(missing.variable)[arm.members]
    known = np.flatnonzero(~np.isnan(values))
    parts = [i for i, c in enumerate(arm.columns) if c.variable == missing.variable and c.form != "missing"]
    log_hazard = arm.design[known][:, parts] @ coefficients[parts]
    return float(rng.choice(log_hazard) - np.log(np.mean(np.exp(log_hazard))))


def _shifted(fit: Fit, shift: float) -> Fit:
    event = linear_cause(fit.event.coefficients, fit.event.baseline * np.exp(shift))
    return fit.model_copy(update={"event": event})
