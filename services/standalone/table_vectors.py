"""Vectors of many cases from tables, `BLOCK=TABLE`, each as the JSON that the scorer reads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from services.fusion_scorer.vectors import no_model
from services.standalone.vector_files import VectorFile
from services.trainer.cohort.vector_table import VectorTable, read_vector_table
from shared.model.bundle import Bundle


@dataclass(frozen=True, eq=False)
class TableVectors:
    """The vectors of one block."""

    block: str
    path: Path
    table: VectorTable
    positions: Mapping[str, int]
    """Row of each case."""

    def vector(self, case: str) -> VectorFile | None:
        """The vector of a case; None where its row is missing or empty."""
        if case not in self.positions:
            return None
        row = self.table.values[self.positions[case]]
        values = {name: float(row[at]) for at, name in enumerate(self.table.columns) if np.isfinite(row[at])}
        if not values:
            return None
        entries = {"case_id": case, "block": self.block, "values": values}
        simulated = {"simulated": True} if self.table.simulated else {}
        return VectorFile(self.path, json.dumps(entries | simulated).encode())


def table_vectors(tables: Mapping[str, Path], bundle: Bundle) -> list[TableVectors]:
    """Read the table of each block.

    Raises:
        BadVectorTableError: a table is refused.
        BadVectorsError: the bundle has no model of a block.
    """
    profile = bundle.manifest.profile
    unknown = [block for block in tables if block not in bundle.vectors]
    if unknown:
        raise no_model(unknown[0], bundle)
    is_missing = profile.vocabulary.is_missing
    return [_vectors(block, path, read_vector_table(path, is_missing)) for block, path in tables.items()]


def _vectors(block: str, path: Path, table: VectorTable) -> TableVectors:
    return TableVectors(block, path, table, {case: at for at, case in enumerate(table.case_ids)})


def vectors_of(tables: Sequence[TableVectors], case: str) -> dict[str, VectorFile]:
    """The vectors of a case, by block."""
    return {table.block: vector for table in tables if (vector := table.vector(case))}
