"""Vectors of SIMULATED patients: columns that show a latent of their own, with gaps."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.trainer.errors import BadSimulationError
from shared.arrays import Floats
from shared.canonical import sha256
from shared.model.block import DEFAULT_BLOCKS, Block, check_blocks
from shared.model.vector_model import MOST_COLUMNS

_FORM = re.compile(r"([a-z][a-z0-9]{0,15})=(\d{1,5}),(\d+(?:\.\d+)?)")
_SHOWS = 0.4
"""Share of the columns that show the latent; the others are noise."""
_LOADING = (0.3, 0.7)
"""Least and largest correlation of such a column with the latent."""
_NO_VECTOR, _NO_VALUE = 0.08, 0.03
"""Share of patients without the block, and of cells without a value."""
_LEAST_EFFECT = 0.01


@dataclass(frozen=True)
class VectorPlan:
    """What to simulate of one block of vectors."""

    name: str
    columns: int
    effect: float
    """Hazard ratio of the vectors' latent per standard deviation, given all else; 1 for none."""

    @classmethod
    def parse(cls, text: str) -> "VectorPlan":
        """Read `NAME=columns,effect`.

        Raises:
            BadSimulationError: it has another form.
        """
        match = _FORM.fullmatch(text)
        plan = cls(match[1], int(match[2]), float(match[3])) if match else None
        if plan is None or not 1 <= plan.columns <= MOST_COLUMNS or not plan.effect >= _LEAST_EFFECT:
            raise BadSimulationError(
                f"--vectors {text!r} is not NAME=COLUMNS,EFFECT: a name of 1 to 16 lower-case letters and digits, "
                f"1 to {MOST_COLUMNS} columns, and a hazard ratio of at least {_LEAST_EFFECT}"
            )
        return plan


def vector_plans(texts: Iterable[str]) -> tuple[VectorPlan, ...]:
    """Read every `NAME=columns,effect`.

    Raises:
        BadSimulationError: one has another form, or the blocks cannot be distinguished.
    """
    plans = tuple(map(VectorPlan.parse, texts))
    try:
        check_blocks((*DEFAULT_BLOCKS, *(Block(name=plan.name, source="vectors") for plan in plans)))
    except ValueError as error:
        raise BadSimulationError(f"--vectors: {error}") from None
    return plans


@dataclass(frozen=True, eq=False)
class Columns:
    """What each of p columns measures: the same in every cohort that has a block of that name and width."""

    loading: Floats
    """[p], correlation with the latent."""
    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, plan: VectorPlan) -> "Columns":
        """Drawn from the block's name."""
        rng = np.random.default_rng([plan.columns, int(sha256(plan.name.encode())[:8], 16)])
        showing, loading = max(1, round(_SHOWS * plan.columns)), np.zeros(plan.columns)
        shown = rng.permutation(plan.columns)[:showing]
        loading[shown] = rng.uniform(*_LOADING, showing) * rng.choice([-1, 1], showing)
        return cls(loading, rng.uniform(5, 50, plan.columns), rng.uniform(0.5, 5, plan.columns))


def draw_vectors(plan: VectorPlan, latent: Floats, rng: np.random.Generator) -> Floats:
    """Values [n, p] that show a latent [n] in some columns; NaN where a value or a patient's vector is missing."""
    columns, shape = Columns.of(plan), (len(latent), plan.columns)
    standard = columns.loading * latent[:, None] + np.sqrt(1 - columns.loading**2) * rng.normal(size=shape)
    missing = (rng.random(shape) < _NO_VALUE) | (rng.random(len(latent)) < _NO_VECTOR)[:, None]
    return np.where(missing, np.nan, columns.mean + columns.spread * standard)


@dataclass(frozen=True, eq=False)
class DrawnVectors:
    """The vectors of n patients by block, and the latents [n] that they show."""

    latents: Mapping[str, Floats]
    values: Mapping[str, Floats]
    log_hazard: Floats
    """[n], of all latents together."""

    @classmethod
    def of(cls, plans: Sequence[VectorPlan], patients: int, seed: int) -> "DrawnVectors":
        """Draw each block from a stream of its own, so that all else stays as without it."""
        latents, values, log_hazard = {}, {}, np.zeros(patients)
        for place, plan in enumerate(plans):
            rng = np.random.default_rng([seed, 5, place])
            latents[plan.name] = rng.normal(size=patients)
            values[plan.name] = draw_vectors(plan, latents[plan.name], rng)
            log_hazard = log_hazard + np.log(plan.effect) * latents[plan.name]
        return cls(latents, values, log_hazard)


def vector_rows(names: Sequence[str], values: Floats) -> list[dict[str, str]]:
    """Rows of a block's table; patients without a vector have none."""
    columns = [f"v{i:04d}" for i in range(values.shape[1])]
    return [
        {"case_id": name, **dict(zip(columns, map(_cell, row), strict=True)), "simulated": "true"}
        for name, row in zip(names, values, strict=True)
        if not np.isnan(row).all()
    ]


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.4g}"
