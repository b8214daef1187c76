"""One vector of a case: what is read, and what is refused with the name of what is wrong."""

import json
from typing import Any

import pytest

from shared.canonical import sha256
from shared.model.case_vector import parse_vector
from shared.model.errors import BadVectorsError
from shared.units import CaseId

CASE = CaseId("MB-1")
COLUMNS = ("hb", "crp")


def vector(**changed: Any) -> bytes:
    return json.dumps({"case_id": "MB-1", "block": "blood", "values": {"hb": 12.5, "crp": None}} | changed).encode()


def test_numbers_are_read_and_null_is_missing() -> None:
    read = parse_vector(vector(simulated=True), CASE, "blood", COLUMNS)
    assert (dict(read.values), read.block, read.simulated) == ({"hb": 12.5}, "blood", True)
    assert read.digest == sha256(vector(simulated=True))


def test_case_and_block_may_be_left_out_and_any_column_passes_where_no_model_is_known() -> None:
    assert parse_vector(b'{"values": {"anything": 1}}', CASE, "blood").values == {"anything": 1.0}


def test_a_column_is_the_same_with_blanks_around_it_and_in_any_form_of_unicode() -> None:
    values = {" hb\t": 12.5, "Ha\u0308moglobin": 8}
    read = parse_vector(vector(values=values), CASE, "blood", ("hb", "H\u00e4moglobin"))
    assert read.values == {"hb": 12.5, "H\u00e4moglobin": 8.0}


def test_5000_columns_are_read_and_one_more_is_refused() -> None:
    values = {f"c{i}": i for i in range(5_000)}
    assert len(parse_vector(vector(values=values), CASE, "blood", tuple(values)).values) == 5_000
    with pytest.raises(BadVectorsError, match="has 5001 names; 5000 are allowed"):
        parse_vector(vector(values=values | {"more": 1}), CASE, "blood")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is empty"),
        (b"[1]", "is no JSON object"),
        (b"{", "is no JSON"),
        (vector(case_id="MB-2"), 'case_id is "MB-2", but the vector is stored for MB-1'),
        (vector(block="icd"), 'block is "icd", but the vector is stored for blood'),
        (vector(simulated="yes"), 'simulated is "yes", allowed is true or false'),
        (vector(note="x"), '"note" is not known here'),
        (vector(values=None), "values is missing"),
        (vector(values={}), "values is empty"),
        (vector(values=[1, 2]), "values is a list"),
        (vector(values={"hb": 1, " hb ": 2}), '"hb" is named more than once'),
        (vector(values={"hb": "12"}), '"hb" is "12"; allowed is a finite number, or null'),
        (vector(values={"hb": True}), '"hb" is true; allowed is a finite number'),
        (vector(values={"hb": {"x": 1}}), '"hb" is an object; allowed is a finite number'),
        (vector(values={"hb": None}), "every value is missing"),
        (vector(values={"hb": 1, "hemo": 2}), '"hemo" is no column of the bundle\'s model, which has 2'),
        (b'{"values": {"hb": 1, "hb": 2}}', "hb"),
        (b'{"values": {"hb": NaN}}', "hb"),
        (b'{"values": {"hb": 1e999}}', "is Infinity"),
    ],
)
def test_what_is_no_vector_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(BadVectorsError) as refusal:
        parse_vector(data, CASE, "blood", COLUMNS)
    assert problem in str(refusal.value)


def test_many_refused_values_are_counted() -> None:
    with pytest.raises(BadVectorsError, match="and 3 more; allowed is a finite number"):
        parse_vector(vector(values={f"c{i}": "x" for i in range(8)}), CASE, "blood")
