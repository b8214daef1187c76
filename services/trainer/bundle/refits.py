"""Refits of a bundle's arms: what else might be true of a patient; their spread is the interval of a case's risk.

One draw holds for all arms and has three parts, so that the interval covers a patient's own risk and not only the
model's mean:
- the fit: patients drawn again, coefficients shrunk to a draw from the ridge's prior instead of to 0, so that what the
  ridge holds back is part of the spread (weighted Bayesian bootstrap: Newton, Polson and Xu, Can J Stat 2021;49:421);
- what is missing: an arm that knows less than the fullest one adds what that one says beyond it of a training patient
  drawn at random, and a missing value adds what the variable says of one (imputation drawn, not fixed);
- the image: networks taught on different patients disagree, so the pathomic log-risk is a measurement with error; what
  it leaves unseen is drawn from the normal distribution of classical measurement error (Carroll et al. 2006, ch. 3).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.columns import Column
from services.trainer.arms.tabular import CauseFit, Recipe, Tabular, fit_design
from services.trainer.cohort.cohort import Floats, Ints
from services.trainer.profile import PATHOMICS

_LEAST_AGREEMENT = 0.1


@dataclass(frozen=True, eq=False)
class ArmFit:
    """A fitted arm: its model, the patients it was fitted on, and their standardised columns [members, p]."""

    model: Tabular
    members: Ints
    design: Floats

    def among(self, some: Ints) -> Ints:
        """Rows of the design of those of the patients `some` [n], repeats included, whom the arm knows."""
        place = np.full(int(max(self.members.max(), some.max())) + 1, -1)
        place[self.members] = np.arange(len(self.members))
        found = place[some]
        return np.asarray(found[found >= 0], np.int64)

    def level(self, model: Tabular, rows: Ints) -> Floats:
        """Log cumulative hazard [rows] at the horizon by another fit of the same columns."""
        cause = model.causes[0]
        return np.asarray(self.design[rows] @ cause.coefficients + _log(cause.baseline[model.horizon]), np.float64)


def draw_refits(arms: Sequence[ArmFit], patients: Patients, agreement: float, count: int) -> list[tuple[Tabular, ...]]:
    """`count` refits of every arm; the fullest arm comes first, `agreement` is the correlation of two networks."""
    rng = np.random.default_rng([patients.seed, 61])
    drawn = [_draw(arms, patients, agreement, rng) for _ in range(count)]
    return [tuple(one[i] for one in drawn) for i in range(len(arms))]


def _draw(arms: Sequence[ArmFit], patients: Patients, agreement: float, rng: np.random.Generator) -> list[Tabular]:
    again = rng.integers(0, len(patients), len(patients))
    fits = [_refit(arm, patients, arm.among(again), rng) for arm in arms]
    unseen = _unseen(fits[0], agreement, rng)
    shifts = [unseen + _beyond(arms[0], fits[0], arm, fit, rng) for arm, fit in zip(arms, fits, strict=True)]
    imputed = [_imputed(arm, fit, patients, rng) for arm, fit in zip(arms, fits, strict=True)]
    return [_shifted(fit, shift) for fit, shift in zip(imputed, shifts, strict=True)]


def _refit(arm: ArmFit, patients: Patients, rows: Ints, rng: np.random.Generator) -> Tabular:
    """The same columns and ridge on patients drawn again, and a prior drawn."""
    model = arm.model
    outcome = patients.cohort.outcome[arm.members[rows]]
    recipe = Recipe((), pathomics=False, grid=model.grid, horizon=model.horizon)
    found = fit_design(model.columns, arm.design[rows], outcome, recipe, model.ridge, rng)
    return replace(found, causes=_every_cause(model, found))


def _every_cause(model: Tabular, found: Tabular) -> tuple[CauseFit, ...]:
    """A cause that did not occur among those drawn keeps the hazard of the whole cohort."""
    return found.causes if len(found.causes) == len(model.causes) else (found.causes[0], *model.causes[1:])


def _beyond(fullest: ArmFit, full: Tabular, arm: ArmFit, fit: Tabular, rng: np.random.Generator) -> float:
    """What the fullest arm says beyond an arm of a training patient who is known to both."""
    patient = rng.choice(np.intersect1d(fullest.members, arm.members), 1)
    return float((fullest.level(full, fullest.among(patient)) - arm.level(fit, arm.among(patient)))[0])


def _unseen(fullest: Tabular, agreement: float, rng: np.random.Generator) -> float:
    """Log hazard of what the slides show and the networks do not see: mean hazard 1."""
    weight = sum(
        float(value)
        for column, value in zip(fullest.columns, fullest.causes[0].coefficients, strict=True)
        if column.variable == PATHOMICS
    )
    reliability = max(agreement, _LEAST_AGREEMENT)
    spread = abs(weight) * np.sqrt((1 - reliability) / reliability)
    return float(spread * rng.normal() - spread**2 / 2)


def _imputed(arm: ArmFit, fit: Tabular, patients: Patients, rng: np.random.Generator) -> Tabular:
    """Let each indicator of a missing value say what the variable says of a training patient drawn at random."""
    event = fit.causes[0]
    coefficients, level = event.coefficients.copy(), 0.0
    for place, column in enumerate(fit.columns):
        if column.form == "missing":
            drawn = _drawn_value(arm, event.coefficients, column, patients, rng)
            coefficients[place] += drawn * column.scale
            level += drawn * column.mean
    changed = CauseFit(coefficients, event.baseline * np.exp(level))
    return replace(fit, causes=(changed, *fit.causes[1:]))


def _drawn_value(
    arm: ArmFit, coefficients: Floats, missing: Column, patients: Patients, rng: np.random.Generator
) -> float:
    """Log hazard of a variable's columns for a patient of whom it is known; mean hazard 1."""
    values = patients.cohort.column(missing.variable)[arm.members]
    known = np.flatnonzero(~np.isnan(values))
    parts = [i for i, c in enumerate(arm.model.columns) if c.variable == missing.variable and c.form != "missing"]
    said = arm.design[known][:, parts] @ coefficients[parts]
    return float(rng.choice(said) - np.log(np.mean(np.exp(said))))


def _shifted(fit: Tabular, shift: float) -> Tabular:
    event = fit.causes[0]
    return replace(fit, causes=(CauseFit(event.coefficients, event.baseline * np.exp(shift)), *fit.causes[1:]))


def _log(value: float) -> float:
    return float(np.log(max(value, 1e-12)))
