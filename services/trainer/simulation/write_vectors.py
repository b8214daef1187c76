"""Writes the vectors of a SIMULATED cohort, and the profile that has their blocks."""

from collections.abc import Sequence
from pathlib import Path

from services.trainer.profile import PROFILES
from services.trainer.simulation.tables import write_table
from services.trainer.simulation.vectors import DrawnVectors, vector_rows
from shared.files import put
from shared.model.block import DEFAULT_BLOCKS, Block

PROFILE = "profile.yaml"


def write_vectors(drawn: DrawnVectors, names: Sequence[str], out: Path) -> None:
    """Write vectors/NAME.csv of each block, and profile.yaml; nothing where there are no blocks."""
    for name, values in drawn.values.items():
        write_table(out / "vectors" / f"{name}.csv", vector_rows(names, values))
    if drawn.values:
        put(out / PROFILE, _profile(tuple(drawn.values)).encode())


def _profile(names: Sequence[str]) -> str:
    """The default profile with blocks of vectors beside its own."""
    blocks = [*DEFAULT_BLOCKS, *(Block(name=name, source="vectors") for name in names)]
    lines = "".join(f"  - {_line(block)}\n" for block in blocks)
    return f"{(PROFILES / 'medulloblastoma.yaml').read_text(encoding='utf-8').rstrip()}\nblocks:\n{lines}"


def _line(block: Block) -> str:
    entries = block.model_dump(include={"name", "source", "title", "log_risk"})
    return "{" + ", ".join(f"{name}: {value}" for name, value in entries.items() if value) + "}"
