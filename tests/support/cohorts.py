"""Small SIMULATED cohorts for tests of the trainer."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings, read_embeddings
from services.trainer.cohort.table import read_cohort
from services.trainer.profile import load_profile
from services.trainer.simulation.simulate import SimulationPlan, simulate
from services.trainer.simulation.tables import write_table
from shared.arrays import Floats
from shared.canonical import sha256
from shared.tensors import encode_tensors


def quiet(_done: int, _total: int) -> None:
    """Ignore progress."""


def simulated(out: Path, plan: SimulationPlan) -> tuple[Cohort, Embeddings]:
    """Write a cohort and read it."""
    simulate(plan, out, quiet)
    return read_cohort(out / "cohort.csv", load_profile()), read_embeddings(out / "embeddings")


def write_bags(folder: Path, bags: Mapping[str, Floats], encoder: str = "e") -> Path:
    """Bags by case, one slide each."""
    rows = []
    for case, features in bags.items():
        content = encode_tensors(
            {"features": features.astype(np.float16)},
            {"encoder_name": encoder, "encoder_digest": sha256(encoder.encode())},
        )
        (folder / f"{case}.safetensors").parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{case}.safetensors").write_bytes(content)
        row = {"case_id": case, "slide_id": case, "slide_digest": sha256(case.encode())}
        rows.append(row | {"tiles": str(len(features)), "path": f"{case}.safetensors"})
    write_table(folder / "index.csv", rows)
    return folder
