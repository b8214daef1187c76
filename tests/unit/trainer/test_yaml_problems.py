"""What is refused of a profile or map is said in plain words, with its place in the file."""

from pathlib import Path

import pytest

from services.trainer.cohort.column_map import BadMapError, load_map
from services.trainer.errors import BadProfileError
from services.trainer.profile import load_profile

PROFILE = """
name: toy
variables:
  - {name: age, kind: numeric, block: clinical}
outcome: {codes: {"0": no event, "1": event}}
"""


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("blocks: [{name: Blood, source: vectors}]", "blocks.0.name: allowed is text of the form ^[a-z][a-z0-9]"),
        ("blocks: [{name: b, source: table}]", "blocks.0.source: allowed is 'record', 'slides' or 'vectors'"),
        ("blocks: [{name: b, source: vectors, fit: {keep: 500}}]", "fit.keep: allowed is a number of at most 200"),
        ("blocks: [7]", "blocks.0: allowed is a mapping of names to values"),
        ("blocks: []", "blocks: needs 1 entry at least"),
        ("horizons_years: 3", "horizons_years: allowed is a list"),
        ("horizons_years: [-1, .inf]", "horizons_years.0: allowed is a number above 0; horizons_years.1: allowed is a"),
        ("checks: [{when: '', sentence: x}]", "checks.0.when: allowed is text of 1 character at least"),
        ("title: 7", "title: allowed is text"),
        ("colour: blue", "colour: nothing of this name belongs here"),
        ("horizons_years: [5, 3]", "refused: horizons_years must rise"),
    ],
)
def test_a_profile_is_refused_in_plain_words(tmp_path: Path, lines: str, problem: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(f"{PROFILE}{lines}\n")
    with pytest.raises(BadProfileError) as refusal:
        load_profile(path)
    assert problem in str(refusal.value)
    assert "Input" not in str(refusal.value)


def test_a_value_that_fits_none_of_several_forms_is_one_problem_at_its_own_place(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(PROFILE.replace("block: clinical", "block: clinical, aliases: {young: [1]}, cuts: [[1]]"))
    with pytest.raises(BadProfileError) as refusal:
        load_profile(path)
    assert "variables.0.aliases.young: allowed is text or a mapping of names to values" in str(refusal.value)
    assert "variables.0.cuts.0: allowed is a number or text" in str(refusal.value)
    assert "function-before" not in str(refusal.value)


def test_a_file_that_is_a_list_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("[1]\n")
    with pytest.raises(BadProfileError, match="is refused: allowed is a mapping of names to values"):
        load_profile(path)


def test_a_map_is_refused_in_plain_words(tmp_path: Path) -> None:
    path = tmp_path / "columns.yaml"
    path.write_text("units: {age_months: 0}\ncolumns: [age]\n")
    with pytest.raises(BadMapError) as refusal:
        load_map(path)
    assert "columns: allowed is a mapping of names to values" in str(refusal.value)
    assert "units.age_months: allowed is a number above 0" in str(refusal.value)
