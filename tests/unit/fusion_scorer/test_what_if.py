"""What-if questions about time without an event, and what a form of questions is made of."""

import math
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToDict
from medulla.v1.scorer_pb2 import DescribeFormRequest, DescribeFormResponse, ScoreCaseRequest

from services.fusion_scorer.errors import BadQuestionError, UnknownCaseError
from shared import keys
from shared.model.errors import BadClinicalRecordError
from tests.support.fusion import clinical_json
from tests.support.scorer import CASE, Scorer
from tests.support.vector_bundle import vector_json


def described(scorer: Scorer) -> DescribeFormResponse:
    return scorer.what_if.describe(DescribeFormRequest(case_id=CASE))


def test_years_without_an_event_replace_the_usual_ones_and_leave_the_risks_alone(scorer: Scorer) -> None:
    scorer.land(keys.clinical(CASE), clinical_json(stage="M1"))
    usual = scorer.what_if(ScoreCaseRequest(case_id=CASE))
    conditional = scorer.what_if(ScoreCaseRequest(case_id=CASE, event_free_years=2.5))
    assert [(item.event_free_years, item.horizon_years) for item in conditional.event_free_risks] == [
        (2.5, 3),
        (2.5, 5),
    ]
    assert list(conditional.risks) == list(usual.risks)
    assert conditional.score_id == usual.score_id


@pytest.mark.parametrize("years", [0.0, -1.0, 5.0, math.inf, math.nan])
def test_years_out_of_range_are_refused_with_what_is_allowed(scorer: Scorer, years: float) -> None:
    scorer.land(keys.clinical(CASE), clinical_json(stage="M1"))
    with pytest.raises(BadQuestionError, match="allowed is a number above 0 and below 5") as caught:
        scorer.what_if(ScoreCaseRequest(case_id=CASE, event_free_years=years))
    assert caught.value.reason == "bad_request"


def test_a_refused_record_of_a_question_is_to_be_asked_again_and_not_stored(scorer: Scorer) -> None:
    scorer.land(keys.clinical(CASE), clinical_json(stage="M1"))
    with pytest.raises(BadClinicalRecordError, match="M9") as caught:
        scorer.what_if(ScoreCaseRequest(case_id=CASE, clinical_json=clinical_json(stage="M9").decode()))
    assert caught.value.advice == "Correct what is named and ask again."


def test_a_form_holds_the_variables_of_the_profile_and_the_values_of_the_record(scorer: Scorer) -> None:
    scorer.land(keys.clinical(CASE), clinical_json(stage="M1", age=4.5))
    form = described(scorer)
    age, stage, group = form.variables
    assert (age.variable, age.kind, age.unit, age.low, age.high) == ("age", "numeric", "years", 0, 120)
    assert (stage.label, stage.kind, list(stage.levels)) == ("M stage", "ordinal", ["M0", "M1"])
    assert (group.block, group.block_title) == ("molecular", "molecular")
    assert not stage.HasField("low")
    assert MessageToDict(form.clinical_record) == {"stage": "M1", "age": 4.5}
    assert list(form.horizons_years) == [3, 5]
    assert form.bundle_name == "toy"


def test_a_form_names_slides_and_vectors_that_the_bundle_reads_and_which_are_stored(tmp_path: Path) -> None:
    scorer = Scorer(tmp_path)
    scorer.promote_vectors()
    scorer.land(keys.vector(CASE, "blood"), vector_json("blood", hb=10))
    blocks = {block.block: (block.title, block.source, block.stored) for block in described(scorer).blocks}
    assert blocks == {
        "pathomic": ("slides", "slides", False),
        "blood": ("blood counts", "vectors", True),
        "texture": ("MRI texture", "vectors", False),
    }


def test_a_refused_record_leaves_the_form_empty(scorer: Scorer) -> None:
    with pytest.raises(BadClinicalRecordError):
        scorer.land(keys.clinical(CASE), clinical_json(stage="M9"))
    assert MessageToDict(described(scorer).clinical_record) == {}


def test_a_case_of_which_nothing_is_stored_has_no_form(scorer: Scorer) -> None:
    with pytest.raises(UnknownCaseError):
        described(scorer)
