"""Maps from other people's columns and words."""

from pathlib import Path

import pytest

from services.trainer.cohort.column_map import BadMapError, ColumnMap, load_map
from tests.support.odd_yaml import UNCONVERTIBLE

MAP = ColumnMap.model_validate(
    {
        "columns": {"Patient ID": "case_id", "AGE": "age", "Grp": "group"},
        "words": {"group": {"3": "G3", "SHH - alpha": "SHH"}},
        "units": {"AGE": 12},
        "missing": ["-9"],
        "ignore": ["CANCER_TYPE"],
    }
)


def test_a_row_takes_our_names_words_and_units() -> None:
    row = {"Patient ID": "A", "AGE": "30", "Grp": 3, "CANCER_TYPE": "x", "sex": "-9", "note": None}
    assert MAP.translate(row) == {"case_id": "A", "age": 2.5, "group": "G3", "sex": "", "note": None}


def test_what_the_map_changes_is_told() -> None:
    assert MAP.changes({"Patient ID": "A", "AGE": "30", "Grp": 3, "CANCER_TYPE": "x", "sex": "F"}) == [
        'Patient ID "A" read as case_id "A"',
        'AGE "30" read as age 2.5',
        'Grp 3 read as group "G3"',
        "CANCER_TYPE is ignored",
    ]


def test_words_are_compared_as_everywhere() -> None:
    assert MAP.translate({"Grp": "SHH_ALPHA"}) == {"group": "SHH"}


def test_what_the_map_does_not_explain_stays_for_the_profile() -> None:
    assert MAP.translate({"AGE": "about 5", "Grp": "WNT"}) == {"age": "about 5", "group": "WNT"}


def test_a_map_of_another_table_is_refused_by_name() -> None:
    with pytest.raises(BadMapError, match='does not have: "Grp"'):
        MAP.check(["Patient ID", "AGE"], "theirs.csv")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("columns: {a: sex, b: sex}", '"sex" is the target of two columns'),
        ("{columns: {a: sex}, ignore: [a]}", '"a" is both mapped and ignored'),
        ("colums: {a: sex}", "colums"),
        ("words: {sex: {no: female}}", "stand in quotes"),
        ("units: {a: 0}", "a number above 0"),
        ("a: [", "is no YAML"),
        *((text, "is no YAML") for text in UNCONVERTIBLE),
        ("[1, 2]", "is refused"),
    ],
)
def test_a_map_that_makes_no_sense_is_refused_in_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "columns.yaml").write_text(text)
    with pytest.raises(BadMapError, match=sentence) as refused:
        load_map(tmp_path / "columns.yaml")
    assert "\n" not in str(refused.value)


def test_an_empty_map_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "columns.yaml").write_text("")
    assert load_map(tmp_path / "columns.yaml") == ColumnMap()


def test_a_map_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadMapError, match="cannot be read: No such file"):
        load_map(tmp_path / "nowhere.yaml")
