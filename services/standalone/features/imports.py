"""Imports many feature files past bad ones, and lists both kinds in tables; a second run resumes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.standalone.embedding_tables import Embedded, Tables, write_tables
from services.standalone.errors import refusal
from services.standalone.features.feature_paths import FeaturePath, Item
from services.standalone.features.imported_file import Importer
from services.standalone.features.reading import Reading, write_report
from services.standalone.features.stated import Stated
from services.standalone.selection import Refused
from services.standalone.workspace import open_workspace
from shared.progress import Advance

Read = Callable[[Importer, FeaturePath], Reading]
"""Calls the importer, in this process or in another one."""


@dataclass(frozen=True, slots=True)
class ImportTables:
    """The tables of an import, and what each file was read as."""

    tables: Tables
    report: Path
    readings: Sequence[Reading]
    refused: Sequence[Refused]


def import_features(items: Sequence[Item], out: Path, stated: Stated, read: Read, advance: Advance) -> ImportTables:
    """Import every file into `out`: bags, `index.csv`, `failures.csv` and `imports.csv`.

    The first file that is imported sets how many features a tile has, where the options do not.
    """
    importer = Importer(open_workspace(out).store, stated)
    outcomes, readings = [], []
    for done, item in enumerate(items, 1):
        outcome = _outcome(importer, item, read)
        if isinstance(outcome, Reading):
            readings.append(outcome)
            importer = importer.expecting(outcome.features)
            outcome = Embedded(item, event=outcome.event)
        outcomes.append(outcome)
        advance(done, len(items))
    refused = [Refused(o.item.path, o.error, o.item.case_id, o.item.slide_id) for o in outcomes if o.error]
    return ImportTables(write_tables(out, outcomes), write_report(out, readings), readings, refused)


def _outcome(importer: Importer, item: Item, read: Read) -> Reading | Embedded:
    if isinstance(item, Refused):
        return Embedded(item, error=item.error)
    try:
        return read(importer, item)
    except Exception as error:  # noqa: BLE001 - any error of a file becomes its row
        return Embedded(item, error=refusal(error))
