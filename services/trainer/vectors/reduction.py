"""Reduces standardised columns before a model reads them: none, principal components, or a screen by Cox scores."""

from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA

from services.trainer.arms.cox import Sample
from services.trainer.cohort.cohort import Outcome
from shared.arrays import Floats, Ints
from shared.model.block import VectorFit

_AT_ONCE = 500
"""Columns whose scores are computed together: bounds the memory that wide vectors take."""


@dataclass(frozen=True, eq=False)
class Reduction:
    """From standardised columns [n, p] to what a model reads [n, k]."""

    used: Ints
    """[q], positions of the columns that are read, rising."""
    axes: Floats | None
    """[k, q], orthonormal; None where the columns are read as they are."""
    scale: float = 1.0

    def __call__(self, standardised: Floats) -> Floats:
        """Reduced columns [n, k]."""
        columns = standardised[:, self.used]
        return columns if self.axes is None else np.asarray(columns @ self.axes.T / self.scale, np.float64)

    def weights(self, coefficients: Floats) -> Floats:
        """Weights [q] of the used columns that coefficients [k] of the reduced ones amount to."""
        return coefficients if self.axes is None else np.asarray(coefficients @ self.axes / self.scale, np.float64)


def fit_reduction(fit: VectorFit, standardised: Floats, candidates: Ints, outcome: Outcome) -> Reduction:
    """Fit on training patients [n, p]; only the columns `candidates` are read."""
    match _method(fit, len(candidates)):
        case "components":
            return components(standardised, candidates, fit.keep)
        case "screen":
            return Reduction(_screened(standardised, candidates, outcome, fit.keep), None)
        case _:
            return _rotated(standardised, candidates, fit)


def components(standardised: Floats, candidates: Ints, most: int) -> Reduction:
    """At most `most` principal components, divided by the spread along the first; few columns stay as they are.

    A ridge then holds a direction back the more, the less patients differ along it.
    """
    columns = standardised[:, candidates]
    count = min(most, len(columns) - 1, len(candidates))
    if len(candidates) <= most or count < 1:
        return Reduction(candidates, None)
    fitted = PCA(count, random_state=0).fit(columns)
    return Reduction(candidates, fitted.components_, max(float(np.sqrt(fitted.explained_variance_[0])), 1e-9))


def _method(fit: VectorFit, columns: int) -> str:
    """`auto`: nothing for few columns; for many, components, or for trees, which read columns, a screen."""
    if fit.reduce != "auto":
        return fit.reduce
    return "none" if columns <= fit.keep else "screen" if fit.model == "lightgbm" else "components"


def _screened(standardised: Floats, candidates: Ints, outcome: Outcome, keep: int) -> Ints:
    """The columns of the `keep` largest scores, in order."""
    parts = np.array_split(candidates, max(1, -(-len(candidates) // _AT_ONCE)))
    scores = np.concatenate([cox_scores(standardised[:, part], outcome) for part in parts])
    return np.sort(candidates[np.argsort(-scores, kind="stable")[:keep]])


def cox_scores(columns: Floats, outcome: Outcome) -> Floats:
    """Score statistic [q] of each column alone in a Cox model of the event of interest, chi-squared of 1 degree.

    Cox, J R Stat Soc B 1972;34:187: square of the gradient at 0 by the information there.
    """
    sample = Sample.of(columns, outcome.time, outcome.is_event)
    even = np.ones(len(columns))
    expected, means = sample.expected(even), sample.means(even)
    gradient = (sample.events - expected) @ sample.columns
    information = expected @ sample.columns**2 - (means**2).sum(axis=0)
    return np.where(information > 1e-9, gradient**2 / np.maximum(information, 1e-9), 0.0)


def _rotated(standardised: Floats, candidates: Ints, fit: VectorFit) -> Reduction:
    """All columns; where there are more than patients, on as many axes as these span, which a ridge cannot tell apart.

    A penalty counts for `keep` columns: more of them are shrunk accordingly.
    """
    scale = float(np.sqrt(max(1.0, len(candidates) / fit.keep)))
    if fit.model == "lightgbm" or (len(candidates) <= len(standardised) and scale == 1.0):
        return Reduction(candidates, None)
    if len(candidates) <= len(standardised):
        return Reduction(candidates, np.eye(len(candidates)), scale)
    _, _, axes = np.linalg.svd(standardised[:, candidates], full_matrices=False)
    return Reduction(candidates, axes, scale)
