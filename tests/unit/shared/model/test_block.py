"""Blocks of a profile: what they are called by default, and which cannot be distinguished."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.model.block import DEFAULT_BLOCKS, Block
from shared.model.profile import Profile
from tests.support.fusion import PROFILE

BLOOD = {"name": "blood", "source": "vectors"}
RECORD = [{"name": block.name, "source": block.source} for block in DEFAULT_BLOCKS[:2]]


def profile(*blocks: dict[str, Any]) -> Profile:
    return Profile.model_validate(PROFILE | {"blocks": [*RECORD, *blocks]})


def test_names_stand_for_titles_and_log_risks_that_are_not_given() -> None:
    block = Block.model_validate(BLOOD)
    assert (block.title, block.log_risk) == ("blood", "blood")
    assert block.variable is not None
    assert Block(name="clinical", source="record").variable is None


def test_a_profile_has_its_blocks_by_source_and_names_arms_by_them() -> None:
    slides = {"name": "pathomic", "source": "slides", "title": "slides", "log_risk": "pathomics"}
    both = profile(slides, BLOOD | {"title": "blood counts"})
    assert both.block_names == ("clinical", "molecular", "pathomic", "blood")
    assert [block.name for block in both.vectors] == ["blood"]
    assert both.slides is not None
    assert both.arm_name(["blood", "clinical", "pathomic"]) == "clinical_pathomics_blood"
    assert both.title_of("blood") == "blood counts"
    assert [variable.name for variable in both.log_risks] == ["pathomics", "blood"]


def test_a_bundle_states_blocks_of_its_own_and_not_the_default_ones() -> None:
    assert "blocks" not in Profile.model_validate(PROFILE).served()
    again = Profile.model_validate(profile(BLOOD).served())
    assert again.blocks == profile(BLOOD).blocks


@pytest.mark.parametrize(
    ("blocks", "problem"),
    [
        ([BLOOD, BLOOD], "names must differ"),
        ([BLOOD, {"name": "icd", "source": "vectors", "title": "blood"}], "titles must differ"),
        ([{"name": "icd", "source": "vectors", "title": " "}], "one line of plain words"),
        ([{"name": "icd", "source": "vectors", "title": "a\nb"}], "one line of plain words"),
        ([{"name": "icd", "source": "vectors", "title": "<b>x</b>"}], "one line of plain words"),
        ([{"name": "icd", "source": "vectors", "title": "x | y"}], "one line of plain words"),
        ([BLOOD, {"name": "icd", "source": "vectors", "log_risk": "blood"}], "names of log-risks must differ"),
        ([{"name": f"s{i}", "source": "slides"} for i in range(2)], "at most one of slides"),
        ([{"name": f"v{i}", "source": "vectors"} for i in range(11)], "there are 13, and 12 are allowed"),
        ([{"name": "Blood", "source": "vectors"}], "String should match pattern"),
        ([{"name": "x", "source": "pictures"}], "'record', 'slides' or 'vectors'"),
        ([{"name": "x", "source": "record", "log_risk": "y"}], "has no log_risk of its own"),
        ([{"name": "x", "source": "record", "fit": {"keep": 3}}], "only a block of vectors has a fit"),
        ([BLOOD | {"fit": {"model": "lightgbm", "reduce": "components"}}], "reads columns, not components"),
        ([BLOOD | {"fit": {"keep": 0}}], "greater than or equal to 1"),
        ([{"name": "age", "source": "vectors"}], "age is taken"),
        ([{"name": "fused", "source": "vectors"}], "fused is the name of something else"),
        ([{"name": "gbm", "source": "vectors"}], "gbm is the name of something else"),
        ([{"name": "x", "source": "vectors", "log_risk": "clinical_molecular"}], "could be the name of two arms"),
        ([{"name": "early", "source": "vectors"}, {"name": "concat", "source": "vectors"}], "early_concat could be"),
    ],
)
def test_blocks_that_cannot_be_distinguished_are_refused(blocks: list[dict[str, Any]], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        profile(*blocks)


def test_a_profile_without_a_block_of_the_record_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least one is of the record"):
        Profile.model_validate(PROFILE | {"blocks": [BLOOD]})
