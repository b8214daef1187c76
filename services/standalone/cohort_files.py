"""Reads a cohort with its embeddings and vectors, also from a bucket, and prints how the table was read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.standalone.console import note, progress
from services.trainer.bucket.copies import Copies
from services.trainer.cohort.add_vectors import add_vectors, vector_tables
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.column_map import load_map
from services.trainer.cohort.embeddings import Embeddings, read_embeddings
from services.trainer.cohort.table import read_cohort
from shared.model.profile import Profile


@dataclass(frozen=True)
class CohortFiles:
    """A cohort's table, bags and vectors; those of a bucket as copies."""

    table: Path
    embeddings: Path | None
    columns: Path | None
    """Map of other column names and words to the profile's."""
    vectors: dict[str, Path]
    """Table of each block."""
    copies: Copies

    @classmethod
    def of(
        cls, table: Path, embeddings: Path | None, columns: Path | None, vectors: Sequence[str] | None, copies: Copies
    ) -> "CohortFiles":
        """The files of a command's options; tables and map are copied at once.

        Raises:
            BadVectorTableError: an option of vectors is not of the form BLOCK=TABLE.
            BadS3UriError: a bucket lacks one of them.
        """
        tables = {block: copies.file(path) for block, path in vector_tables(vectors or ()).items()}
        return cls(copies.file(table), embeddings, copies.file(columns) if columns else None, tables, copies)

    def bags(self, cases: Sequence[str]) -> Path | None:
        """The folder of the cohort's embeddings; from a bucket, copies of the bags of `cases`."""
        if self.embeddings is None:
            return None
        with progress("bags") as advance:
            return self.copies.bags(self.embeddings, cases, advance)


def read(files: CohortFiles, profile: Profile) -> tuple[Cohort, Embeddings | None]:
    """Read a cohort with its vectors and, if given, its embeddings; print how words were read."""
    cohort = read_cohort(files.table, profile, load_map(files.columns) if files.columns else None)
    if cohort.readings:
        note("\n  ".join([f"{files.table.name}:", *cohort.readings]))
    cohort = add_vectors(cohort, files.vectors)
    folder = files.bags(cohort.case_ids)
    return cohort, read_embeddings(folder) if folder else None
