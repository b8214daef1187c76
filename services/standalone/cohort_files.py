"""Reads a cohort and its embeddings, and prints how the table was read."""

from pathlib import Path

from services.standalone.console import note
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.column_map import load_map
from services.trainer.cohort.embeddings import Embeddings, read_embeddings
from services.trainer.cohort.table import read_cohort
from shared.model.profile import Profile


def read(
    table: Path, embeddings: Path | None, profile: Profile, columns: Path | None
) -> tuple[Cohort, Embeddings | None]:
    """Read a cohort and, if given, its embeddings; print how words were read."""
    cohort = read_cohort(table, profile, load_map(columns) if columns else None)
    if cohort.readings:
        note("\n  ".join([f"{table.name}:", *cohort.readings]))
    return cohort, read_embeddings(embeddings) if embeddings else None
