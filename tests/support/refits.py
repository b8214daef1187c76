"""Arms with refits, and how far these spread."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.ridge_cox import fit_patterns, patterns_of
from services.trainer.arms.tabular import Tabular
from services.trainer.bundle.refits import ArmFit, draw_refits
from shared.model.column import design_matrix
from shared.model.hazards import Fit

COUNT = 40


def fitted_arms(patients: Patients, blocks: Sequence[str]) -> list[ArmFit]:
    """A fitted arm for every pattern of some blocks."""
    arms = []
    for pattern, model in fit_patterns(patients, patterns_of(patients, blocks), patients.inner_folds()):
        members = np.flatnonzero(patients.has_blocks(pattern))
        subset = patients.take(members)
        arms.append(ArmFit(model, members, design_matrix(model.arm.columns, subset.case_values)))
    return arms


def with_fit(model: Tabular, fit: Fit) -> Tabular:
    """The same model by the numbers of one of its refits."""
    return replace(model, arm=model.arm.model_copy(update={"fit": fit, "refits": ()}))


def spread(arms: Sequence[ArmFit], patients: Patients, agreements: Mapping[str, float]) -> list[float]:
    """Mean SD over refits of the log hazard at the horizon, arm by arm."""
    widths = []
    for arm, again in zip(arms, draw_refits(arms, patients, agreements, COUNT), strict=True):
        level = [with_fit(arm.model, fit).predict_design(arm.design).risk[:, arm.model.horizon] for fit in again]
        widths.append(float(np.log(-np.log1p(-np.clip(level, 1e-9, 1 - 1e-9))).std(axis=0).mean()))
    return widths
