"""Records in other names and words, read with a column map."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from services.standalone.fhir_record import flattened, is_fhir
from services.trainer.cohort.column_map import ColumnMap, load_map
from shared.model.profile import Profile
from shared.model.record import ClinicalRecord, ReadRecord, parse_record, record_entries
from shared.model.vocabulary import MISSING, Reading, with_unit
from shared.units import CaseId
from shared.words import printable

_SHOWN = 60
"""Characters of a value in a reading."""


def mapped_entries(record: bytes, names: ColumnMap) -> dict[str, Any]:
    """Names and values of a record that a map is for; of a FHIR Bundle only those that the map names.

    Raises:
        BadClinicalRecordError: the record cannot be read at all.
    """
    entries = record_entries(record)
    if is_fhir(entries):
        return {name: value for name, value in flattened(entries).items() if name in names.columns}
    return entries


def translated(entries: Mapping[str, Any], names: ColumnMap) -> bytes:
    """A record in our names, words and units."""
    return json.dumps(names.translate(entries), sort_keys=True).encode()


@dataclass(frozen=True)
class MappedRecords:
    """Reads the records of a folder with one map; a name of the map that a record lacks is a missing value."""

    names: ColumnMap

    def __call__(self, data: bytes, case_id: CaseId, profile: Profile) -> ClinicalRecord:
        """Read a record; its digest is that of the record in our names and words, as of one scored with the same map.

        Raises:
            BadClinicalRecordError: as in `parse_record`, of the record in our names and words.
        """
        entries = mapped_entries(data, self.names)
        record = parse_record(translated(entries, self.names), case_id, profile)
        mapped = {reading.variable.name: reading for reading in self._readings(entries, record, profile)}
        others = (reading for reading in record.readings if reading.variable.name not in mapped)
        return replace(record, readings=(*mapped.values(), *others))

    def _readings(self, entries: Mapping[str, Any], record: ClinicalRecord, profile: Profile) -> Iterator[Reading]:
        """What the map read as what; not where it only changed a name."""
        variables = {variable.name: variable for variable in profile.variables}
        for theirs, value in entries.items():
            variable = variables.get(self.names.name(theirs) or "")
            if variable and self.names.translate({theirs: value})[variable.name] != value:
                counted = record.values.get(variable.name)
                shown = MISSING if counted is None else with_unit(variable, counted)
                yield Reading(variable, f"{printable(str(value)[:_SHOWN])} ({printable(theirs)})", shown)


def record_reader(columns: Path | None) -> ReadRecord:
    """How the records of a folder are read: with a map, or as they are.

    Raises:
        BadMapError: the map is invalid.
    """
    return MappedRecords(load_map(columns)) if columns else parse_record
