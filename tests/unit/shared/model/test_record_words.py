"""Words, units and checks of a profile, as clinical records are read by it."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.trainer.profile import load_profile
from shared.model.errors import BadClinicalRecordError
from shared.model.profile import Profile
from shared.model.record import ClinicalRecord, parse_record
from shared.units import CaseId
from tests.support.fusion import PROFILE, clinical_json

CASE = CaseId("MB-1")
WORDS = Profile.model_validate(
    PROFILE
    | {
        "variables": [
            {**PROFILE["variables"][0], "units": {"age_months": 12, "months": 12, "mo": 12}, "unclear": "missing"},
            {
                **PROFILE["variables"][1],
                "aliases": {"0": "M0", "true": "M1", "spread, G3": {"stage": "M1", "group": "G3"}},
            },
            {**PROFILE["variables"][2], "aliases": {"Group 3": "G3"}},
        ],
        "missing": ["NA", "N/A", "[Not Available]"],
        "checks": [{"when": "group == G3 and stage == M1", "sentence": "Look again."}],
    }
)


def read(**values: Any) -> ClinicalRecord:
    return parse_record(clinical_json(**values), CASE, WORDS)


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ({"group": "group_3"}, {"group": "G3"}),
        ({"group": "GROUP\u20113 "}, {"group": "G3"}),
        ({"group": "g4"}, {"group": "G4"}),
        ({"group": "[not available]"}, {}),
        ({"stage": 0}, {"stage": "M0"}),
        ({"stage": 0.0}, {"stage": "M0"}),
        ({"stage": True}, {"stage": "M1"}),
        ({"stage": "Spread, G3"}, {"stage": "M1", "group": "G3"}),
        ({"stage": "Spread, G3", "group": "Group3"}, {"stage": "M1", "group": "G3"}),
        ({"age": "6,4"}, {"age": 6.4}),
        ({"age": "5 years"}, {"age": 5.0}),
        ({"age": "60 months"}, {"age": 5.0}),
        ({"age_months": 30}, {"age": 2.5}),
        ({"age_months": "30 mo"}, {"age": 2.5}),
        ({"age": 6, "age_months": 77}, {"age": 6.0}),
        ({"age": "about 5"}, {}),
        ({"age": "5" + " " * 200 + "x"}, {}),
        ({"site_id": "NA", "time_days": "n/a", "event_code": "NA"}, {}),
    ],
)
def test_words_and_units_are_read_as_the_profile_says(written: dict[str, Any], values: dict[str, Any]) -> None:
    assert read(**written).values == values


def test_what_was_read_as_what_stands_beside_the_values() -> None:
    record = read(group="Group 3", age_months=30, stage="m1")
    assert [(reading.variable.name, reading.written, reading.value) for reading in record.readings] == [
        ("group", "Group 3", "G3"),
        ("age", "30 (age_months)", "2.5 years"),
    ]


def test_words_for_no_value_are_shown_as_missing() -> None:
    assert [reading.value for reading in read(group="NA").readings] == ["missing"]


def test_an_unclear_value_counts_as_missing_with_a_remark_only_where_the_profile_says_so() -> None:
    record = read(age="\ud83d")
    assert [(remark.code, remark.sentence) for remark in record.remarks] == [
        ("unclear_value", 'age is "\\ud83d" and counts as missing; allowed is a number from 0 to 120 years.')
    ]
    with pytest.raises(BadClinicalRecordError, match="allowed is one of G3, G4"):
        read(group="G3/G4")


def test_a_remark_on_an_unclear_value_has_the_variables_words() -> None:
    record = parse_record(b'{"residual_area_cm2": "<1.5"}', CaseId("MB-1"), load_profile())
    assert [remark.sentence.partition(" is ")[0] for remark in record.remarks] == ["residual tumour area"]


def test_a_number_out_of_range_is_refused_even_where_unclear_values_are_not() -> None:
    with pytest.raises(BadClinicalRecordError, match="age is 121"):
        read(age=121)


@pytest.mark.parametrize("values", [{"stage": "spread, G3", "group": "G4"}, {"age": 6, "age_months": 90}])
def test_two_entries_that_contradict_each_other_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(BadClinicalRecordError, match=r"allowed is what .* says of"):
        read(**values)


def test_a_case_that_meets_a_check_carries_its_sentence() -> None:
    assert [remark.sentence for remark in read(group="G3", stage="M1").remarks] == ["Look again."]
    assert not read(group="G3").remarks


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"aliases": {"m0": "M1"}}, "one of its levels"),
        ({"aliases": {"none": "M9"}}, "allowed is one of M0, M1"),
        ({"aliases": {"none": {"colour": "blue"}}}, "no variable"),
        ({"aliases": {"a b": "M0", "A_B": "M1"}}, "differ only in"),
        ({"units": {"dozens": 12}}, "no number"),
    ],
)
def test_words_that_do_not_fit_are_refused_with_the_profile(changes: dict[str, Any], sentence: str) -> None:
    variables = [PROFILE["variables"][0], PROFILE["variables"][1] | changes, PROFILE["variables"][2]]
    with pytest.raises(ValidationError, match=sentence):
        Profile.model_validate(PROFILE | {"variables": variables})


@pytest.mark.parametrize("expression", ["group ==", "colour == 1", "(" * 900, "not " * 300, "\x00"])
def test_checks_that_do_not_fit_are_refused_with_the_profile(expression: str) -> None:
    with pytest.raises(ValidationError):
        Profile.model_validate(PROFILE | {"checks": [{"when": expression, "sentence": "Look."}]})
