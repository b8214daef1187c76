"""Gives a cohort the vectors of its blocks, as `--vectors BLOCK=TABLE` names their tables."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.vector_table import VectorTable, read_vector_table
from services.trainer.cohort.vectors import Vectors
from services.trainer.errors import BadVectorTableError
from shared.model.profile import Profile
from shared.words import shown


def vector_tables(options: Iterable[str]) -> dict[str, Path]:
    """Tables by block, from options `BLOCK=TABLE`.

    Raises:
        BadVectorTableError: an option has another form, or names a block twice.
    """
    tables: dict[str, Path] = {}
    for option in options:
        block, separator, path = option.partition("=")
        if not (block and separator and path):
            raise BadVectorTableError(f"--vectors {shown(option)} is not of the form BLOCK=TABLE")
        if block in tables:
            raise BadVectorTableError(f"--vectors names the block {block} twice")
        tables[block] = Path(path)
    return tables


def add_vectors(cohort: Cohort, tables: Mapping[str, Path]) -> Cohort:
    """The cohort with a vector for each patient of whom a table has one.

    Raises:
        BadVectorTableError: a block is none of vectors, a table breaks its form, or no case of it is in the cohort.
    """
    _check_blocks(cohort.profile, tables)
    words = cohort.profile.vocabulary
    read = {block: read_vector_table(path, words.is_missing) for block, path in tables.items()}
    for block, table in read.items():
        _check_columns(cohort.profile, table, tables[block])
    vectors = {block: _of_cohort(cohort, block, table, tables[block]) for block, table in read.items()}
    simulated = cohort.simulated or any(table.simulated for table in read.values())
    return replace(cohort, vectors={**cohort.vectors, **vectors}, simulated=simulated)


def _check_blocks(profile: Profile, blocks: Iterable[str]) -> None:
    names = [block.name for block in profile.vectors]
    for block in blocks:
        if block not in names:
            known = f"it has {', '.join(names)}" if names else "it has none of vectors"
            raise BadVectorTableError(f"the profile {profile.name} has no block of vectors {shown(block)}; {known}")


def _check_columns(profile: Profile, table: VectorTable, path: Path) -> None:
    """Refuse what is known only after the time of prediction."""
    later = {profile.outcome.time, profile.outcome.event, *profile.treatments}
    known_later = [name for name in table.columns if name in later]
    if known_later:
        names = ", ".join(known_later)
        raise BadVectorTableError(f"{path.name} has {names}, known only after the time of prediction; leave it out")


def _of_cohort(cohort: Cohort, block: str, table: VectorTable, path: Path) -> Vectors:
    """The table's rows in the order of the cohort."""
    place = {case: at for at, case in enumerate(table.case_ids)}
    values = np.full((len(cohort), len(table.columns)), np.nan)
    for at, case in enumerate(cohort.case_ids):
        if case in place:
            values[at] = table.values[place[case]]
    if np.isnan(values).all():
        firsts = f"the table's first case is {shown(table.case_ids[0])}, the cohort's {shown(cohort.case_ids[0])}"
        raise BadVectorTableError(f"no case of the cohort has a vector of {block} in {path}; {firsts}")
    return Vectors(table.columns, values, table.digest, len(set(table.case_ids).difference(cohort.case_ids)))
