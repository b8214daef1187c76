"""Small SIMULATED cohorts with blocks of vectors."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from services.trainer.cohort.add_vectors import add_vectors
from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.cohort.table import read_cohort
from services.trainer.profile import load_profile
from services.trainer.simulation.simulate import SimulationPlan, simulate
from services.trainer.simulation.vectors import VectorPlan
from services.trainer.vectors.fit import VectorTraining
from shared.model.block import Block, VectorFit
from tests.support.cohorts import quiet

BLOOD, GENES = VectorPlan("blood", 6, 3.0), VectorPlan("genes", 40, 2.0)


def simulated_vectors(
    out: Path, patients: int, vectors: Sequence[VectorPlan] = (BLOOD, GENES), seed: int = 1
) -> Cohort:
    """Write a cohort with vectors and read it."""
    simulate(SimulationPlan(patients, seed=seed, tiles=1, width=8, vectors=tuple(vectors)), out, quiet)
    tables = {plan.name: out / "vectors" / f"{plan.name}.csv" for plan in vectors}
    return add_vectors(read_cohort(out / "cohort.csv", load_profile(str(out / "profile.yaml"))), tables)


def training(columns: int, fit: VectorFit | None = None, patients: int = 120, seed: int = 0) -> VectorTraining:
    """Vectors whose first column raises the hazard, on a scale of its own, and a few go with it; values are missing."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(patients, columns))
    time = rng.exponential(np.exp(-1.5 * values[:, 0]))
    values[:, 5:10] = 0.7 * values[:, :1] + 0.7 * values[:, 5:10]
    values[:, 0] = 50 + 10 * values[:, 0]
    values[rng.random(values.shape) < 0.02] = np.nan
    names = tuple(f"c{i}" for i in range(columns))
    outcome = Outcome(time, np.asarray(rng.random(patients) < 0.7, np.int64))
    return VectorTraining(Block(name="blood", source="vectors", fit=fit or VectorFit()), names, values, outcome, 1)
