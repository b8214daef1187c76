"""Cause-specific ridge-Cox models, one for each pattern of what is known, with refits on resampled patients."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from services.trainer.demo.columns import CLINICAL, MOLECULAR, SLIDES, Column, design, fitted
from services.trainer.demo.cox import CoxFit, fit_cox
from shared.arrays import Floats

RELAPSE, COMPETING = 1, (2, 3)
RIDGE, COMPETING_RIDGE = 4.0, 40.0
"""Weights of the squared standardised coefficients; the few competing events carry almost no coefficients."""
GRID_YEARS = np.unique(np.concatenate([np.arange(0.25, 3.01, 0.25), np.arange(3.5, 10.01, 0.5)]))
LEVEL = 0.9


@dataclass(frozen=True)
class ArmSpec:
    """A model's name, its file in the bundle, the blocks it needs and its columns."""

    name: str
    file: str
    blocks: tuple[str, ...]
    columns: tuple[Column, ...]


ARMS = (
    ArmSpec("fused", "fusion.json", ("clinical", "molecular", "pathomic"), (*CLINICAL, *MOLECULAR, *SLIDES)),
    ArmSpec("fused_clinical", "fusion_clinical.json", ("clinical", "pathomic"), (*CLINICAL, *SLIDES)),
    ArmSpec("clinical_molecular", "clinical_molecular.json", ("clinical", "molecular"), (*CLINICAL, *MOLECULAR)),
    ArmSpec("clinical", "clinical.json", ("clinical",), CLINICAL),
    ArmSpec("pathomics", "pathomics.json", ("pathomic",), SLIDES),
)
"""In order of preference: a case is scored by the first whose blocks are known."""


@dataclass(frozen=True)
class FittedArm:
    """One arm fitted on one table."""

    spec: ArmSpec
    columns: tuple[Column, ...]
    causes: tuple[CoxFit, ...]
    """Relapse first, then each competing event."""
    refits: tuple[tuple[CoxFit, ...], ...] = ()

    def log_risk(self, table: pd.DataFrame) -> Floats:
        """Relapse log hazard [n] against the average training patient."""
        return design(self.columns, table) @ self.causes[0].coefficients

    def risk(self, table: pd.DataFrame, years: float) -> Floats:
        """Cumulative incidence of relapse [n] by `years`, competing events accounted for.

        Hazards are constant between grid times: Benichou and Gail, Biometrics 1990;46:813.
        """
        x, upto = design(self.columns, table), years >= GRID_YEARS
        steps = [
            np.exp(x @ fit.coefficients)[:, None] * np.diff(fit.baseline[upto], prepend=0.0) for fit in self.causes
        ]
        total = np.sum(steps, axis=0)
        surviving = np.exp(-(np.cumsum(total, axis=1) - total))
        share = np.divide(steps[0], total, out=np.zeros_like(total), where=total > 0)
        return np.asarray((surviving * share * -np.expm1(-total)).sum(axis=1), np.float64)


def fit_arm(spec: ArmSpec, table: pd.DataFrame) -> FittedArm:
    """Fit every cause on a table with the columns of a cohort table, and `pathomics` where the arm reads it."""
    columns = fitted(spec.columns, table)
    return FittedArm(spec, columns, _causes(columns, table))


def with_refits(arm: FittedArm, table: pd.DataFrame, refits: int, rng: np.random.Generator) -> FittedArm:
    """Fit again on patients drawn with replacement; imputation and scale stay those of the whole table."""
    draws = (table.iloc[rng.integers(0, len(table), len(table))] for _ in range(refits))
    return FittedArm(arm.spec, arm.columns, arm.causes, tuple(_causes(arm.columns, draw) for draw in draws))


def _causes(columns: tuple[Column, ...], table: pd.DataFrame) -> tuple[CoxFit, ...]:
    x = design(columns, table)
    years = table.time_days.to_numpy(np.float64) / 365.25
    codes = table.event_code.to_numpy()
    ridges = {RELAPSE: RIDGE, **dict.fromkeys(COMPETING, COMPETING_RIDGE)}
    return tuple(fit_cox(x, years, codes == code, ridge, GRID_YEARS) for code, ridge in ridges.items())
