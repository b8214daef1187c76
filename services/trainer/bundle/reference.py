"""Fits the training distribution, so that a case far from it is flagged or refused."""

from collections.abc import Mapping, Sequence

import numpy as np

from services.trainer.bundle.served_arms import ServedArm
from services.trainer.cohort.cohort import Cohort
from shared.arrays import Floats
from shared.model.reference import (
    CohortRisks,
    EmbeddingDistribution,
    EmbeddingReference,
    Limits,
    NumericReference,
    Reference,
    SlideReference,
)

QUANTILES = 101
_AXES = 16
_FLAG, _ABSTAIN = 0.99, 1.5
"""Flagged past the 99th percentile of training cases that were left out; refused past 1.5 times the largest of them."""
_NUMERIC = Limits(flag=4.0, abstain=8.0)
_PARTS = 10
LEAST_CASES = 2 * _PARTS + 1
"""That a reference needs."""
_LEAST_RESIDUAL = 1e-3
"""Of the spread along the first axis: less is rounding, where the axes leave nothing over."""


def reference(
    arms: Sequence[ServedArm],
    cohort: Cohort,
    means: EmbeddingReference | None,
    slides: SlideReference | None,
    vectors: Mapping[str, EmbeddingReference],
) -> Reference:
    """Quantiles of risks, ranges of numeric variables, and the distributions of mean embeddings, slides and vectors."""
    quantiles = np.linspace(0, 1, QUANTILES)
    return Reference(
        risk={arm.name: _risks(arm, cohort) for arm in arms},
        log_risk={arm.name: np.quantile(arm.design @ arm.model.coefficients, quantiles).tolist() for arm in arms},
        embedding=means,
        slides=slides,
        numeric=_numeric(cohort),
        vectors=dict(vectors),
    )


def _risks(arm: ServedArm, cohort: Cohort) -> CohortRisks:
    """Out-of-fold risks of the arm's patients at the first horizon."""
    risks = arm.out_of_fold.risk[:, arm.model.horizon]
    quantiles = np.quantile(risks, np.linspace(0, 1, QUANTILES)).tolist()
    return CohortRisks(horizon_years=cohort.profile.horizons_years[0], quantiles=quantiles, patients=len(risks))


def _numeric(cohort: Cohort) -> dict[str, NumericReference]:
    references = {}
    for variable in cohort.profile.variables:
        values = cohort.column(variable.name)
        known = values[~np.isnan(values)]
        if variable.kind == "numeric" and len(known) and np.ptp(known) > 0:
            mean, spread = float(known.mean()), float(known.std())
            low, high = float(known.min()), float(known.max())
            references[variable.name] = NumericReference(mean=mean, spread=spread, limits=_NUMERIC, low=low, high=high)
    return references


def mean_reference(means: Floats) -> EmbeddingReference | None:
    """Of cases' mean embeddings [n, d]; None for too few cases."""
    return fit_reference(means) if len(means) >= LEAST_CASES else None


def fit_reference(means: Floats) -> EmbeddingReference:
    """Axes of all cases [n, d], limits from distances of cases that were left out of the axes."""
    order = np.random.default_rng(11).permutation(len(means))
    parts = np.array_split(order, _PARTS)
    left_out = np.concatenate([fit_embedding(means[np.setdiff1d(order, p)]).case_distances(means[p]) for p in parts])
    flag, largest = float(np.quantile(left_out, _FLAG)), float(np.max(left_out))
    limits = Limits(flag=flag, abstain=max(_ABSTAIN * largest, 1.2 * flag))
    return EmbeddingReference(**fit_embedding(means).model_dump(), limits=limits)


def fit_embedding(means: Floats) -> EmbeddingDistribution:
    """Mean, principal axes, and spreads along and off them of mean embeddings [n, d]."""
    centre = means.mean(axis=0)
    _, spread, axes = np.linalg.svd(means - centre, full_matrices=False)
    count = min(_AXES, len(means) // 5, axes.shape[1])
    along = np.maximum(spread[:count] / np.sqrt(len(means) - 1), 1e-6)
    rest = (means - centre) - (means - centre) @ axes[:count].T @ axes[:count]
    residual = max(float(np.sqrt((rest**2).sum(axis=1).mean())), _LEAST_RESIDUAL * float(along[0]))
    return EmbeddingDistribution(mean=centre, axes=axes[:count], spread=along, residual=residual)
