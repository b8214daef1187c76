"""Clinical records: what is refused is refused all at once, with what would be allowed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fusion_scorer.clinical import MAX_BYTES, ClinicalRecord, parse
from services.fusion_scorer.errors import BadClinicalRecordError
from services.fusion_scorer.profile import Profile
from shared.units import CaseId
from tests.support.fusion import PROFILE, clinical_json

CASE = CaseId("MB-1")
TOY = Profile.model_validate(PROFILE)


def refusal(data: bytes) -> str:
    with pytest.raises(BadClinicalRecordError) as caught:
        parse(data, CASE, TOY)
    assert caught.value.reason == "bad_clinical_record"
    return str(caught.value)


def read_or_refused(data: bytes) -> ClinicalRecord | str:
    try:
        return parse(data, CASE, TOY)
    except BadClinicalRecordError as error:
        return str(error)


def as_record(values: dict[str, Any]) -> bytes:
    return clinical_json(**values)


def test_a_good_record_keeps_what_is_known() -> None:
    record = parse(clinical_json(age=4, stage="M1", group=None), CASE, TOY)
    assert record.values == {"age": 4.0, "stage": "M1"}


def test_empty_text_and_null_are_missing() -> None:
    assert parse(clinical_json(age="", stage=None), CASE, TOY).values == {}


def test_outcome_and_site_may_stand_there_but_never_predict() -> None:
    record = parse(clinical_json(site_id="S-1", time_days=12, event_code=1), CASE, TOY)
    assert record.values == {}


def test_a_record_can_say_that_its_patient_never_lived() -> None:
    assert parse(clinical_json(simulated=True), CASE, TOY).simulated
    assert not parse(clinical_json(), CASE, TOY).simulated


def test_a_record_names_the_site_or_does_not() -> None:
    assert parse(clinical_json(site_id="north"), CASE, TOY).site == "north"
    assert parse(clinical_json(site_id=None), CASE, TOY).site == ""


def test_everything_wrong_is_named_at_once_with_what_is_allowed() -> None:
    said = refusal(clinical_json(age=200, stage="M7", colour="blue", case_id="MB-2"))
    assert 'case_id is "MB-2", but the record is stored for MB-1' in said
    assert "age is 200 years, allowed is a number from 0 to 120 years" in said
    assert 'stage is "M7", allowed is one of M0, M1' in said
    assert '"colour" is no variable of toy, allowed are case_id, site_id, age, stage, group' in said


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"age": "4.2"}, 'age is "4.2", allowed is a number'),
        ({"age": True}, "age is true, allowed is a number"),
        ({"age": -0.1}, "age is -0.1 years"),
        ({"age": float("nan")}, "age is NaN"),
        ({"age": float("inf")}, "age is Infinity"),
        ({"stage": 1}, "stage is 1, allowed is one of M0, M1"),
        ({"stage": ["M1"]}, 'stage is ["M1"]'),
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
def test_a_wrong_value_is_named(values: dict[str, Any], part: str) -> None:
    assert part in refusal(clinical_json(**values))


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "line 1, column 1"),
        (b'{"age": 4', "no JSON: line 1"),
        (b"[1]", "no JSON object"),
        (b"\xff\xfe", "byte 0 is not UTF-8"),
        (b'{"age": 1, "age": 2}', '"age" more than once'),
        (b"[" * 100_000, "plain values"),
        (b" " * (MAX_BYTES + 1), f"{MAX_BYTES} are allowed"),
    ],
)
def test_malformed_json_is_refused_in_one_sentence(data: bytes, part: str) -> None:
    assert part in refusal(data)


def test_long_values_are_cut_in_the_sentence() -> None:
    assert len(refusal(clinical_json(stage="x" * 10_000))) < 200


VALUES = st.none() | st.booleans() | st.integers(-5, 200) | st.sampled_from(["", "M0", "M1", "M9", "G3"])
TEXTS = st.dictionaries(st.text(max_size=8), st.integers() | st.text()).map(json.dumps).map(str.encode)
RECORDS = st.dictionaries(st.sampled_from(["age", "stage", "group", "colour"]), VALUES).map(as_record)


@given(st.binary(max_size=60) | TEXTS | RECORDS)
def test_whatever_lands_is_read_or_refused_in_one_sentence(data: bytes) -> None:
    found = read_or_refused(data)
    if isinstance(found, str):
        assert found.strip()
        assert "\n" not in found
    else:
        assert found.values.items() <= json.loads(data).items()
