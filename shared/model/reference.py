"""The training distribution of a bundle, and distances of cases and slides from it: reference.json."""

from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, PositiveFloat, model_validator

from shared.arrays import Floats
from shared.model.variable import Frozen
from shared.model.vector import Matrix, Vector, significant

_DIGITS, _EMBEDDING_DIGITS = 7, 6


class Limits(Frozen):
    """Distance above which a case is flagged, and above which the scorer abstains."""

    flag: PositiveFloat
    abstain: PositiveFloat


class EmbeddingDistribution(Frozen):
    """Where pooled embeddings of a training cohort lie: mean, principal axes, spread along and off them."""

    mean: Vector
    """[d]."""
    axes: Matrix
    """[k, d], orthonormal."""
    spread: Vector
    """[k], standard deviation along each axis."""
    residual: PositiveFloat
    """Root mean square length of what the axes leave over."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.axes.shape[1] != len(self.mean):
            raise ValueError("mean and axes differ in the width of an embedding")
        if len(self.axes) != len(self.spread):
            raise ValueError("there is another number of axes than of spreads")
        if np.any(self.spread <= 0):
            raise ValueError("a spread is not above 0")
        return self

    @property
    def width(self) -> int:
        """Features d of an embedding."""
        return len(self.mean)

    def case_distances(self, means: Floats) -> Floats:
        """Distances [n] of cases' mean embeddings [n, d]: about 1 for a typical training case.

        Root mean square of the standardised coordinates on the k axes and of the standardised length off them.
        """
        along, off = self._standardised(means)
        return np.asarray(np.sqrt(np.mean(np.column_stack([along, off]) ** 2, axis=1)), np.float64)

    def slide_distances(self, means: Floats) -> Floats:
        """Distances [n] of single slides' mean embeddings [n, d]: the larger of those along the axes and off them.

        Another stain moves a slide off the axes along which slides of the training cohort differ.
        """
        along, off = self._standardised(means)
        return np.maximum(np.sqrt(np.mean(along**2, axis=1)), off)

    def _standardised(self, means: Floats) -> tuple[Floats, Floats]:
        """Coordinates [n, k] along the axes and lengths [n] off them, in spreads of the training cohort."""
        offset = means - self.mean
        along = offset @ self.axes.T
        off = np.linalg.norm(offset - along @ self.axes, axis=1) / self.residual
        return along / self.spread, np.asarray(off, np.float64)


class EmbeddingReference(EmbeddingDistribution):
    """A distribution of embeddings with its limits."""

    limits: Limits


class ColourDistribution(Frozen):
    """Where the stain colours of a training cohort's slides lie, as the planner measures them: k numbers a slide."""

    mean: Vector
    """[k]."""
    whitening: Matrix
    """[k, k]: takes an offset from the mean to coordinates of about one."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.whitening.shape != (len(self.mean), len(self.mean)):
            raise ValueError("there are colours whose numbers do not fit each other")
        return self

    def distances(self, colours: Floats) -> Floats:
        """Distances [n] of slides' colours [n, k]: root mean square of the whitened offset."""
        white = (colours - self.mean) @ self.whitening.T
        return np.asarray(np.sqrt(np.mean(white**2, axis=1)), np.float64)


class ColourReference(ColourDistribution):
    """A distribution of stain colours with its limits."""

    limits: Limits


class SlideReference(Frozen):
    """Where single slides of the training cohort lie, and what becomes of a slide beyond the limit to abstain."""

    embedding: EmbeddingReference
    """Of the slides' mean embeddings."""
    colours: ColourReference | None = None
    """None where the plans of the training slides state no colours."""
    beyond: Literal["leave_out", "abstain"] = "leave_out"
    none_left: Literal["abstain", "other_models"] = "abstain"
    """What becomes of a case whose every slide is left out."""


class NumericReference(Frozen):
    """Where a numeric variable lay in training."""

    mean: float
    spread: PositiveFloat
    limits: Limits
    """In standard deviations."""
    low: float | None = None
    high: float | None = None
    """The least and the largest value; None in bundles of older programs."""

    def distances(self, values: Floats) -> Floats:
        """Distances [n] of values [n] from the mean, in standard deviations."""
        return np.asarray(np.abs(values - self.mean) / self.spread, np.float64)


class CohortRisks(Frozen):
    """Risks of the training cohort by models that were fitted without the patient."""

    horizon_years: PositiveFloat
    quantiles: tuple[float, ...] = Field(min_length=2)
    """Evenly spaced, from minimum to maximum."""
    patients: int = Field(ge=1)


class Reference(Frozen):
    """reference.json: the training distribution."""

    log_risk: dict[str, tuple[float, ...]] = Field(default_factory=dict)
    """For each arm, evenly spaced quantiles of the log-risk, from minimum to maximum."""
    risk: dict[str, CohortRisks] = Field(default_factory=dict)
    """By arm, at the horizon of the risk groups; empty in bundles of older programs."""
    embedding: EmbeddingReference | None = None
    slides: SlideReference | None = None
    """None in bundles whose slides are compared with the training cohort only all together."""
    numeric: dict[str, NumericReference] = Field(default_factory=dict)
    vectors: dict[str, EmbeddingReference] = Field(default_factory=dict)
    """For each block of vectors, of the standardised columns."""

    def as_json(self) -> dict[str, Any]:
        """The reference as its file holds it: numbers at 7 significant digits, those of embeddings and colours at 6."""
        content = self.model_dump(exclude_none=True)
        content = {name: value for name, value in content.items() if value or name not in {"vectors", "risk"}}
        digits = dict.fromkeys(("log_risk", "risk", "numeric"), _DIGITS)
        return {name: significant(value, digits.get(name, _EMBEDDING_DIGITS)) for name, value in content.items()}
