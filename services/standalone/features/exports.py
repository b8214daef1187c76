"""Writes the bags of a folder of embeddings as feature files of another tool, with the table that reads them back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from services.standalone.errors import refusal
from services.standalone.features.exported_bag import exported_bag
from services.standalone.features.tool import Tool
from services.standalone.features.writers import write_features
from services.standalone.selection import Refused
from services.trainer.cohort.embeddings import index_rows, open_bag
from shared.csv_file import write_csv
from shared.progress import Advance

TABLE = ("case_id", "path", "slide_id", "mpp")


@dataclass(frozen=True, slots=True)
class Written:
    """One slide that was written."""

    case_id: str
    slide_id: str
    path: Path
    """Below the folder of the export."""
    mpp: float


@dataclass(frozen=True, slots=True)
class FeatureExport:
    """The outcome of an export."""

    table: Path
    """`slides.csv`, by which `medulla import` reads the files back."""
    written: Sequence[Written]
    refused: Sequence[Refused]


def export_features(folder: Path, tool: Tool, out: Path, mpp: float | None, advance: Advance) -> FeatureExport:
    """Write every bag of a folder of embeddings into `out`, past bad ones.

    Raises:
        BadEmbeddingsError: the index cannot be read.
    """
    rows = list({(row["case_id"], row["path"]): row for row in index_rows(folder)}.values())
    written: list[Written] = []
    refused: list[Refused] = []
    for done, (row, name) in enumerate(zip(rows, _names(rows), strict=True), 1):
        try:
            bag = exported_bag(open_bag(folder, row), name, folder, mpp)
            path = write_features(bag, tool, out).relative_to(out)
            written.append(Written(row["case_id"], row["slide_id"], path, bag.mpp))
        except Exception as error:  # noqa: BLE001 - any error of a slide is its refusal
            refused.append(Refused(folder / row["path"], refusal(error), row["case_id"], row["slide_id"]))
        advance(done, len(rows))
    return FeatureExport(_write_tables(tool, out, written), written, refused)


def _names(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Names of the files: those of the slides, with the case where two cases have slides of one name."""
    stems = [_stem(row["slide_id"]) for row in rows]
    counts = Counter(stems)
    return [
        stem if counts[stem] == 1 else f"{row['case_id']}_{row['slide_id']}"
        for stem, row in zip(stems, rows, strict=True)
    ]


def _stem(slide_id: str) -> str:
    """A slide's id without the suffix of its file; a DICOM UID has none."""
    path = PurePosixPath(slide_id)
    return path.stem if path.suffix[1:].isalpha() else path.name


def _write_tables(tool: Tool, out: Path, written: Sequence[Written]) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    if tool is Tool.STAMP:
        write_csv(out / "slide_table.csv", ("PATIENT", "FILENAME"), [(row.case_id, row.path.name) for row in written])
    table = out / "slides.csv"
    write_csv(table, TABLE, [(row.case_id, row.path, row.slide_id, repr(row.mpp)) for row in written])
    return table
