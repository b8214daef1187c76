"""Clinical records: what is refused is refused all at once, with what would be allowed."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.json_objects import MAX_BYTES, MAX_NAMES
from shared.model.errors import BadClinicalRecordError
from shared.model.profile import Profile
from shared.model.record import ClinicalRecord, parse_record, stated_case_id
from shared.model.variable import Variable
from shared.text import LONGEST
from shared.units import CaseId
from tests.support.fusion import PROFILE, clinical_json

CASE = CaseId("MB-1")
TOY = Profile.model_validate(PROFILE)


def refusal(data: bytes) -> str:
    with pytest.raises(BadClinicalRecordError) as caught:
        parse_record(data, CASE, TOY)
    assert caught.value.reason == "bad_clinical_record"
    return str(caught.value)


def read_or_refused(data: bytes) -> ClinicalRecord | str:
    try:
        return parse_record(data, CASE, TOY)
    except BadClinicalRecordError as error:
        return str(error)


def as_record(values: dict[str, Any]) -> bytes:
    return clinical_json(**values)


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_a_good_record_keeps_what_is_known() -> None:
    record = parse_record(clinical_json(age=4, stage="M1", group=None), CASE, TOY)
    assert record.values == {"age": 4.0, "stage": "M1"}


def test_empty_text_and_null_are_missing() -> None:
    assert parse_record(clinical_json(age="", stage=None), CASE, TOY).values == {}


def test_outcome_and_site_may_stand_there_but_never_predict() -> None:
    record = parse_record(clinical_json(site_id="S-1", time_days=12, event_code=1), CASE, TOY)
    assert record.values == {}


def test_a_record_can_say_that_its_patient_never_lived() -> None:
    assert parse_record(clinical_json(simulated=True), CASE, TOY).simulated
    assert not parse_record(clinical_json(), CASE, TOY).simulated


def test_a_record_names_the_site_or_does_not() -> None:
    assert parse_record(clinical_json(site_id="north"), CASE, TOY).site == "north"
    assert parse_record(clinical_json(site_id=None), CASE, TOY).site == ""


def test_everything_wrong_is_named_at_once_with_what_is_allowed() -> None:
    sentence = refusal(clinical_json(age=200, stage="M7", colour="blue", case_id="MB-2"))
    assert 'case_id is "MB-2", but the record is stored for MB-1' in sentence
    assert "age is 200, allowed is a number from 0 to 120 years" in sentence
    assert 'stage is "M7", allowed is one of M0, M1' in sentence
    assert '"colour" is no variable of toy, allowed are case_id, site_id, age, stage, group' in sentence


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"age": "4.2.1"}, 'age is "4.2.1", allowed is a number'),
        ({"age": "1,234"}, 'age is "1,234", allowed is a number'),
        ({"age": "4 months"}, 'age is "4 months", allowed is a number'),
        ({"age": True}, "age is true, allowed is a number"),
        ({"age": -0.1}, "age is -0.1"),
        ({"age": float("nan")}, "age is NaN"),
        ({"age": float("inf")}, "age is Infinity"),
        ({"stage": 1}, "stage is 1, allowed is one of M0, M1"),
        ({"stage": ["M1"]}, "stage is a list"),
        ({"stage": {"a": "M1"}}, "allowed is one of M0, M1"),
        ({"site_id": "a b"}, "site_id"),
        ({"site_id": ".a"}, "the first no dot"),
        ({"time_days": 0}, "time_days is 0, allowed is a number above 0"),
        ({"event_code": 9}, "event_code is 9, allowed is one of 0, 1"),
        ({"simulated": "yes"}, "allowed is true or false"),
        ({"pathomics": 3}, '"pathomics" is no variable'),
        ({"unknown": None}, '"unknown" is no variable'),
        ({"case_id": 7}, "case_id is 7"),
    ],
)
def test_a_wrong_value_is_named(values: dict[str, Any], words: str) -> None:
    assert words in refusal(clinical_json(**values))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "record is empty"),
        (b" \n", "record is empty"),
        (b"1;", "line 1, column 2"),
        (b'{"age": 4', "no JSON: line 1"),
        (b"[1]", "no JSON object"),
        (b"\xff\xfe", "UTF-16"),
        (b"{\xe4", "byte 1 is not UTF-8"),
        (b'{"age": 1' + b"0" * 400 + b"}", "a number of 401 digits"),
        (b'{"age": 1e-999999999999}', "1e-999999999999, a number too small to be distinguished from 0"),
        (b'{"age": 1e-400}', "too small"),
        (b'{"age": -5E-324}', "too small"),
        (b'{"age": 0.' + b"0" * 90 + b"1e-300}", "too small"),
        (b'{"age": 0.' + b"0" * 4000 + b"1}", "a number of 4003 digits"),
        (b'{"age": 1, "age": 2}', '"age" more than once'),
        (b"[" * 100_000, "plain values"),
        (b" " * (MAX_BYTES + 1), f"more than {MAX_BYTES} bytes"),
    ],
)
def test_malformed_json_is_refused_in_one_sentence(data: bytes, words: str) -> None:
    assert words in refusal(data)


@pytest.mark.parametrize("written", ["1e-400", "1e-310", "3E-320"])
def test_a_number_as_text_that_a_float_cannot_hold_is_refused(written: str) -> None:
    assert "age is" in refusal(clinical_json(age=written))


@pytest.mark.parametrize("written", [b"0", b"0.0", b"-0.0", b"0e-999999", b"0.000e10", b'"0"', b'"0,00"'])
def test_what_is_written_as_0_is_0(written: bytes) -> None:
    assert parse_record(b'{"age": ' + written + b"}", CASE, TOY).values == {"age": 0.0}


def test_long_values_are_cut_in_the_sentence() -> None:
    assert len(refusal(clinical_json(stage="x" * 10_000))) < 200


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ANY_JSON = st.dictionaries(st.sampled_from(["age", "stage", "site_id", "event_code", "x"]), ANYTHING).map(as_json)
VALUES = st.none() | st.booleans() | st.integers(-5, 200) | st.sampled_from(["", "M0", "M1", "M9", "G3"])
TEXTS = st.dictionaries(st.text(max_size=8), st.integers() | st.text()).map(json.dumps).map(str.encode)
RECORDS = st.dictionaries(st.sampled_from(["age", "stage", "group", "colour"]), VALUES).map(as_record)


@given(st.binary(max_size=60) | TEXTS | RECORDS | ANY_JSON)
def test_whatever_lands_is_read_or_refused_in_one_sentence(data: bytes) -> None:
    outcome = read_or_refused(data)
    if isinstance(outcome, str):
        assert outcome.strip()
        assert outcome.isprintable()
        assert len(outcome.encode()) <= LONGEST
    else:
        stated = json.loads(data)
        assert all(name in stated and stated[name] not in (None, "") for name in outcome.values)


@pytest.mark.parametrize(
    "data",
    [
        as_json({f"name {i}": i for i in range(12_000)}),
        as_json({f"name {i}": i for i in range(MAX_NAMES)}),
        b"{" + b",".join(b'"n%d":1' % (i % 59_999) for i in range(60_000)) + b"}",
        b'{"stage": "\\ud83d"}',
        b'{"\\ud83d": 1}',
        b'{"age": 1e999999}',
        b'{"age": -Infinity}',
        b'{"stage": "' + b'\\"' * 400_000,
        b"[" * 200_000,
        b'{"a":' * 100_000,
        as_json({"stage": "\u202e\u2028\x00" * 9_000}),
        as_json({f"n{i}": "x" * 900 for i in range(900)}),
    ],
    ids=range(12),
)
def test_hostile_records_give_one_short_clean_sentence(data: bytes) -> None:
    sentence = refusal(data)
    assert len(sentence.encode()) <= LONGEST
    assert sentence.isprintable()


def test_all_problems_of_many_are_counted() -> None:
    wide = Profile(name="wide", variables=tuple(variable(f"v{i}") for i in range(900)), outcome=TOY.outcome)
    with pytest.raises(BadClinicalRecordError, match=r"and 8\d\d more$") as refused:
        parse_record(clinical_json(**{f"v{i}": "high" for i in range(900)}), CASE, wide)
    assert len(str(refused.value)) <= LONGEST


def variable(name: str) -> Variable:
    return Variable(name=name, kind="numeric", block="clinical", low=0, high=1)


def steps_of(data: bytes) -> int:
    """Function calls, into C too, that reading takes."""
    count = 0

    def profiler(*_: Any) -> None:
        nonlocal count
        count += 1

    sys.setprofile(profiler)
    try:
        read_or_refused(data)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("generate", [lambda n: b'"' * n, lambda n: b"[]" * n, lambda n: as_json({"x" * n: ["y"] * n})])
def test_reading_takes_steps_in_proportion_to_the_size(generate: Callable[[int], bytes]) -> None:
    assert steps_of(generate(20_000)) <= 2.5 * steps_of(generate(10_000)) + 1_000


@pytest.mark.parametrize(("record", "case"), [({"case_id": "A"}, "A"), ({}, None)])
def test_the_id_that_a_record_states(record: dict[str, Any], case: str | None) -> None:
    assert stated_case_id(as_json(record)) == case


def test_an_id_that_is_no_text_is_refused() -> None:
    with pytest.raises(BadClinicalRecordError, match="case_id is 7"):
        stated_case_id(b'{"case_id": 7}')
