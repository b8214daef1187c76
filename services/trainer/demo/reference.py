"""Where the training cohort lies, for percentiles and for telling that a case is unlike it."""

from typing import Any

import numpy as np
import pandas as pd

from services.trainer.demo.arms import FittedArm
from shared.arrays import Floats

_AXES = 12
_FLAG_QUANTILE = 0.99
_ABSTAIN_FACTOR = 1.75
_MAX_AGE_SPREADS = {"flag": 3.0, "abstain": 4.0}


def reference(arms: list[FittedArm], table: pd.DataFrame, pooled: Floats) -> dict[str, Any]:
    """The content of reference.json from the training table and the mean embedding [n, d] of each patient."""
    age = table.age_at_diagnosis_years
    ages = {"mean": float(age.mean()), "spread": float(age.std(ddof=0)), "limits": _MAX_AGE_SPREADS}
    return {
        "log_risk": {arm.spec.name: np.quantile(arm.log_risk(table), np.linspace(0, 1, 101)) for arm in arms},
        "embedding": _embedding(pooled),
        "numeric": {"age_at_diagnosis_years": ages},
    }


def _embedding(pooled: Floats) -> dict[str, Any]:
    mean = pooled.mean(axis=0)
    _, spread, rows = np.linalg.svd(pooled - mean, full_matrices=False)
    axes, spread = rows[:_AXES], spread[:_AXES] / np.sqrt(len(pooled) - 1)
    along = (pooled - mean) @ axes.T
    off = np.linalg.norm(pooled - mean - along @ axes, axis=1)
    residual = float(np.sqrt(np.mean(off**2)))
    scores = np.column_stack([along / spread, off / residual])
    flag = float(np.quantile(np.sqrt((scores**2).mean(axis=1)), _FLAG_QUANTILE))
    limits = {"flag": flag, "abstain": _ABSTAIN_FACTOR * flag}
    return {"mean": mean, "axes": axes, "spread": spread, "residual": residual, "limits": limits}
