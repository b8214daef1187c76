"""Profiles: the shipped ones, and what is refused."""

from pathlib import Path

import pytest
import yaml

from services.trainer.errors import BadProfileError
from services.trainer.profile import PROFILES, load_profile
from shared.model.profile import Profile
from shared.model.variable import Variable
from shared.text import LONGEST
from tests.support.odd_yaml import UNCONVERTIBLE


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_profile_reads(path: Path) -> None:
    assert load_profile(path.stem).name == path.stem


def test_medulloblastoma_is_the_default() -> None:
    profile = load_profile()
    assert profile.name == "medulloblastoma"
    assert profile.outcome.causes == ("0", "1", "2", "3")


def edited(tmp_path: Path, **changes: object) -> Path:
    content = yaml.safe_load((PROFILES / "medulloblastoma.yaml").read_text())
    path = tmp_path / "edited.yaml"
    path.write_text(yaml.safe_dump(content | changes))
    return path


def dose(**more: object) -> dict[str, object]:
    return {"name": "csi_dose_gy", "kind": "numeric", "block": "clinical", "treatment": True} | more


def test_a_treatment_is_refused_as_a_predictor(tmp_path: Path) -> None:
    with pytest.raises(BadProfileError, match="csi_dose_gy is a treatment") as refused:
        load_profile(edited(tmp_path, variables=[dose()], rule="", strata="", subgroups={}, checks=[]))
    assert "`treatment: true, known_at_prediction: true`" in str(refused.value)


def test_a_block_that_no_model_reads_is_refused(tmp_path: Path) -> None:
    variables = [{"name": "volume", "kind": "numeric", "block": "imaging"}]
    with pytest.raises(BadProfileError, match="volume: block must be one of clinical, molecular, pathomic"):
        load_profile(edited(tmp_path, variables=variables, rule="", strata="", subgroups={}, checks=[]))


def test_a_treatment_that_is_known_by_then_is_taken(tmp_path: Path) -> None:
    known = dose(known_at_prediction=True)
    assert (
        load_profile(edited(tmp_path, variables=[known], rule="", strata="", subgroups={}, checks=[]))
        .variables[0]
        .treatment
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rule": "grade > 3"}, "`grade` is no variable"),
        ({"horizons_years": [5, 3]}, "must rise"),
        ({"strata": "grade"}, "no variable"),
        ({"colour": "blue"}, "refused: colour: nothing of this name belongs here"),
        ({"outcome": {}}, "refused: outcome.codes: is missing"),
        ({"outcome": {"codes": {"0": "no", "1": "yes"}, "event_of_interest": 7}}, "event_of_interest"),
        ({"outcome": {"codes": {False: "none", True: "relapse"}}}, "yes, no, true and false stand in quotes"),
        ({"outcome": {"event": "sex", "codes": {"0": "no", "1": "yes"}}}, "names of their own; sex is taken"),
        ({"outcome": {"time": "sex", "codes": {"0": "no", "1": "yes"}}}, "names of their own; sex is taken"),
        (
            {"treatments": ["histology"]},
            "refused: histology is among the treatments: it is not known at the time of prediction",
        ),
    ],
)
def test_a_profile_that_contradicts_itself_is_refused(
    tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(BadProfileError) as refused:
        load_profile(edited(tmp_path, **changes))
    assert sentence in str(refused.value)


def test_codes_and_levels_may_be_written_without_quotes() -> None:
    profile = Profile.model_validate(
        {
            "name": "numbers",
            "variables": [{"name": "grade", "kind": "ordinal", "block": "clinical", "levels": [1, 2, 3]}],
            "outcome": {"codes": {0: "none", 1: "relapse"}, "event_of_interest": 1},
        }
    )
    assert profile.outcome.causes == ("0", "1")
    assert profile.variables[0].levels == ("1", "2", "3")


@pytest.mark.parametrize(
    ("label", "unit", "shown"),
    [("depth of the tumour", "mm", "depth of the tumour"), ("", "mm", "depth"), ("", "", "depth in mm")],
)
def test_a_variable_without_a_label_is_shown_by_its_name_less_the_unit(label: str, unit: str, shown: str) -> None:
    assert Variable(name="depth_in_mm", kind="numeric", block="clinical", label=label, unit=unit).shown == shown


def test_an_error_is_said_once_and_without_jargon(tmp_path: Path) -> None:
    with pytest.raises(BadProfileError) as refused:
        load_profile(edited(tmp_path, variables=[dose()], rule="", strata="", subgroups={}, checks=[]))
    assert "Value error" not in str(refused.value)
    assert "Tuple" not in str(refused.value)


@pytest.mark.parametrize("text", UNCONVERTIBLE)
def test_a_profile_with_values_that_cannot_be_converted_is_no_yaml(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.yaml").write_text(text)
    with pytest.raises(BadProfileError, match="is no YAML"):
        load_profile(tmp_path / "odd.yaml")


def test_what_is_wrong_with_a_profile_fits_a_sentence(tmp_path: Path) -> None:
    wrong = [{f"key{number}-{'x' * 900}": 1} for number in range(2_000)]
    with pytest.raises(BadProfileError, match=r"and \d+ more$") as refused:
        load_profile(edited(tmp_path, variables=wrong))
    assert len(str(refused.value)) <= LONGEST


def test_a_file_without_an_end_is_no_profile() -> None:
    with pytest.raises(BadProfileError, match="has more than 2000000 bytes"):
        load_profile(Path("/dev/zero"))


def test_a_profile_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadProfileError, match=r"nowhere\.yaml cannot be read"):
        load_profile(tmp_path / "nowhere.yaml")


def test_the_event_of_interest_may_be_a_word() -> None:
    profile = Profile.model_validate(
        {
            "name": "words",
            "variables": [{"name": "age", "kind": "numeric", "block": "clinical"}],
            "outcome": {
                "time": "",
                "event": "relapse",
                "codes": {"no": "none", "yes": "relapse"},
                "event_of_interest": "yes",
            },
        }
    )
    assert profile.outcome.causes == ("no", "yes")
