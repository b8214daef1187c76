"""Reads a cohort with its embeddings and vectors, and prints how the table was read."""

from dataclasses import dataclass
from pathlib import Path

from services.standalone.console import note
from services.trainer.cohort.add_vectors import add_vectors, vector_tables
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.column_map import load_map
from services.trainer.cohort.embeddings import Embeddings, read_embeddings
from services.trainer.cohort.table import read_cohort
from shared.model.profile import Profile


@dataclass(frozen=True)
class CohortFiles:
    """Where a cohort's table, bags and vectors are."""

    table: Path
    embeddings: Path | None = None
    columns: Path | None = None
    """Map of other column names and words to the profile's."""
    vectors: tuple[str, ...] = ()
    """`BLOCK=TABLE` each."""


def read(files: CohortFiles, profile: Profile) -> tuple[Cohort, Embeddings | None]:
    """Read a cohort with its vectors and, if given, its embeddings; print how words were read."""
    tables = vector_tables(files.vectors)
    cohort = read_cohort(files.table, profile, load_map(files.columns) if files.columns else None)
    if cohort.readings:
        note("\n  ".join([f"{files.table.name}:", *cohort.readings]))
    return add_vectors(cohort, tables), read_embeddings(files.embeddings) if files.embeddings else None
