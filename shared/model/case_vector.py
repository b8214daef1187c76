"""One vector of a case, `vectors/{case_id}/{block}.json`, checked against the profile and the columns of a model."""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.canonical import canonical_json, sha256
from shared.json_objects import JsonObjectError, read_object
from shared.model.errors import BadVectorsError
from shared.model.vector_model import MOST_COLUMNS, column_name
from shared.units import CaseId, Sha256
from shared.words import sentence, shown

_ENTRIES = {"case_id", "block", "values", "simulated"}
_LISTED = 5


@dataclass(frozen=True, slots=True)
class CaseVector:
    """The values of a case in one block of vectors."""

    digest: Sha256
    block: str
    values: Mapping[str, float]
    """By column, its name normalised; a column that is not in it is missing."""
    simulated: bool = False
    """The file states that its patient never lived."""


def vector_bytes(case_id: str, block: str, values: Mapping[str, float], *, simulated: bool) -> bytes:
    """A vector as it is stored."""
    mark = {"simulated": True} if simulated else {}
    return canonical_json({"case_id": case_id, "block": block, "values": values} | mark)


def parse_vector(data: bytes, case_id: CaseId, block: str, columns: Collection[str] = ()) -> CaseVector:
    """Read a vector's JSON `{"case_id", "block", "values": {column: number or null}}`.

    `columns` are those of the model; empty where no model is known, and then every name passes.

    Raises:
        BadVectorsError: it is no such object, of another case or block, or a value or column is refused.
    """
    try:
        entries = read_object(data, max_names=MOST_COLUMNS)
    except JsonObjectError as error:
        raise BadVectorsError(f"the vector {block} of {case_id} {error}") from None
    values = entries.get("values")
    problems = [*_problems(entries, case_id, block), *_value_problems(values, columns)]
    if problems:
        raise BadVectorsError(f"the vector {block} of {case_id} is refused: {sentence(problems)}")
    known = {column_name(name): float(value) for name, value in dict(values or {}).items() if value is not None}
    return CaseVector(sha256(data), block, known, entries.get("simulated") is True)


def _problems(entries: Mapping[str, Any], case_id: CaseId, block: str) -> list[str]:
    problems = []
    for name, expected in (("case_id", case_id), ("block", block)):
        if entries.get(name, expected) != expected:
            problems.append(f"{name} is {shown(entries[name])}, but the vector is stored for {expected}")
    if not isinstance(entries.get("simulated", False), bool):
        problems.append(f"simulated is {shown(entries['simulated'])}, allowed is true or false")
    unknown = sorted(entries.keys() - _ENTRIES)
    if unknown:
        problems.append(f"{_listed(unknown)} not known here; allowed are {', '.join(sorted(_ENTRIES))}")
    return problems


def _value_problems(values: Any, columns: Collection[str]) -> list[str]:
    if not isinstance(values, dict) or not values:
        problem = "empty" if values == {} else "missing" if values is None else shown(values)
        return [f"values is {problem}; it is an object with a number for each column"]
    problems = [*_refused_values(values), *_refused_names(values, set(columns))]
    if all(value is None for value in values.values()):
        problems.append("every value is missing")
    return problems


def _refused_values(values: Mapping[str, Any]) -> Iterator[str]:
    wrong = [name for name, value in values.items() if not _is_value(value)]
    if wrong:
        listed = ", ".join(f"{shown(name)} is {shown(values[name])}" for name in wrong[:_LISTED])
        more = f" and {len(wrong) - _LISTED} more" if len(wrong) > _LISTED else ""
        yield f"{listed}{more}; allowed is a finite number, or null where it is missing"


def _refused_names(values: Mapping[str, Any], columns: Collection[str]) -> Iterator[str]:
    """Names that occur twice once they are normalised, and names of no column, where the columns are known."""
    repeated = [name for name, count in Counter(map(column_name, values)).items() if count > 1]
    if repeated:
        yield f"{_listed(repeated)} named more than once"
    unknown = [name for name in values if columns and column_name(name) not in columns]
    if unknown:
        yield f"{_listed(unknown)} no column of the bundle's model, which has {len(columns)}"


def _is_value(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(map(shown, names[:_LISTED])) + more + (" is" if len(names) == 1 else " are")
