"""Where the training cohort lies, so that a case far from it is flagged or refused: reference.json."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from services.trainer.bundle.arm_json import plain
from services.trainer.bundle.served_arms import ServedArm
from services.trainer.cohort.cohort import Cohort
from shared.arrays import Floats

QUANTILES = 101
_AXES = 16
_FLAG, _ABSTAIN = 0.99, 1.5
"""Flagged past the 99th percentile of training cases that were left out; refused past 1.5 times the largest of them."""
_NUMERIC = {"flag": 4.0, "abstain": 8.0}
_PARTS = 10
_LEAST_RESIDUAL = 1e-3
"""Of the spread along the first axis: less is rounding, where the axes leave nothing over."""


def reference(arms: Sequence[ServedArm], cohort: Cohort, means: Floats | None) -> dict[str, Any]:
    """Quantiles of log-risk, where cases' mean embeddings [n, d] lie, numeric ranges; `slide_reference` has slides."""
    risks = {
        arm.name: np.quantile(arm.design @ arm.model.causes[0].coefficients, np.linspace(0, 1, QUANTILES))
        for arm in arms
    }
    said: dict[str, Any] = {"log_risk": plain(risks), "numeric": plain(_numeric(cohort))}
    if means is not None and len(means) > 2 * _PARTS:
        said["embedding"] = plain(_embedding(means), 6)
    return said


def _numeric(cohort: Cohort) -> dict[str, Any]:
    found = {}
    for variable in cohort.profile.variables:
        values = cohort.column(variable.name)
        known = values[~np.isnan(values)]
        if variable.kind == "numeric" and len(known) and np.ptp(known) > 0:
            found[variable.name] = {"mean": float(known.mean()), "spread": float(known.std()), "limits": _NUMERIC}
    return found


def _embedding(means: Floats) -> dict[str, Any]:
    """Axes of all, limits from distances of cases that were left out of the axes."""
    order = np.random.default_rng(11).permutation(len(means))
    left_out = []
    for part in np.array_split(order, _PARTS):
        kept = np.setdiff1d(order, part)
        fitted = fit_embedding(means[kept])
        left_out += [distance(fitted, row) for row in means[part]]
    flag, largest = float(np.quantile(left_out, _FLAG)), float(np.max(left_out))
    return fit_embedding(means) | {"limits": {"flag": flag, "abstain": max(_ABSTAIN * largest, 1.2 * flag)}}


def fit_embedding(means: Floats) -> dict[str, Any]:
    """Mean, principal axes, and spreads along and off them of mean embeddings [n, d]."""
    centre = means.mean(axis=0)
    _, spread, axes = np.linalg.svd(means - centre, full_matrices=False)
    count = min(_AXES, len(means) // 5, axes.shape[1])
    along = np.maximum(spread[:count] / np.sqrt(len(means) - 1), 1e-6)
    rest = (means - centre) - (means - centre) @ axes[:count].T @ axes[:count]
    residual = max(float(np.sqrt((rest**2).sum(axis=1).mean())), _LEAST_RESIDUAL * float(along[0]))
    return {"mean": centre, "axes": axes[:count], "spread": along, "residual": residual}


def distance(fitted: Mapping[str, Any], row: Floats) -> float:
    """Of a mean embedding [d], as the scorer measures it.

    Root mean square of the standardised coordinates and of the standardised length off the axes.
    """
    return float(np.sqrt(np.mean(np.append(*parts_of_distance(fitted, row)) ** 2)))


def parts_of_distance(fitted: Mapping[str, Any], row: Floats) -> tuple[Floats, float]:
    """Standardised coordinates [k] along the axes and standardised length off them, of a mean embedding [d]."""
    offset = row - fitted["mean"]
    along = fitted["axes"] @ offset
    off = np.linalg.norm(offset - fitted["axes"].T @ along) / fitted["residual"]
    return along / fitted["spread"], float(off)
