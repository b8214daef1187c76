"""What if a vector were another one, or missing."""

from pathlib import Path

import pytest
from medulla.v1.scorer_pb2 import Score, ScoreCaseRequest

from shared import keys
from shared.model.errors import BadVectorsError
from tests.support.fusion import clinical_json
from tests.support.scorer import CASE, Scorer
from tests.support.vector_bundle import vector_json


@pytest.fixture
def scorer(tmp_path: Path) -> Scorer:
    scorer = Scorer(tmp_path)
    scorer.promote_vectors()
    scorer.land(keys.clinical(CASE), clinical_json(stage="M0"))
    scorer.land(keys.vector(CASE, "blood"), vector_json("blood", hb=10))
    return scorer


def ask(scorer: Scorer, given: dict[str, str] | None = None, without: tuple[str, ...] = ()) -> Score:
    return scorer.what_if(ScoreCaseRequest(case_id=CASE, vectors_json=given, without_vectors=without))


def test_a_vector_of_the_request_takes_the_place_of_the_stored_one_and_nothing_is_stored(scorer: Scorer) -> None:
    before = [info.key for info in scorer.store.list("")]
    stored, changed = ask(scorer), ask(scorer, {"blood": '{"values": {"hb": 14}}'})
    assert (stored.model, changed.model) == ("clinical_blood", "clinical_blood")
    assert changed.log_risk - stored.log_risk == pytest.approx(-1)
    assert [info.key for info in scorer.store.list("")] == before


def test_a_vector_may_be_added_and_another_left_out(scorer: Scorer) -> None:
    texture = vector_json("texture", t1=1).decode()
    assert ask(scorer, {"texture": texture}).model == "fused"
    result = ask(scorer, {"texture": texture}, ("blood",))
    assert (result.model, list(result.modalities_left_aside)) == ("clinical", ["MRI texture"])
    assert "blood counts" in result.modalities_missing


def test_a_refused_stored_vector_leaves_no_remark_on_a_score_with_another_one(scorer: Scorer) -> None:
    with pytest.raises(BadVectorsError):
        scorer.land(keys.vector(CASE, "blood"), b"{")
    assert [remark.code for remark in ask(scorer).remarks] == ["bad_vectors"]
    assert not ask(scorer, {"blood": '{"values": {"hb": 14}}'}).remarks


@pytest.mark.parametrize(
    ("block", "text", "match"),
    [
        ("blood", "{", "the vector blood of MB-1 is no JSON"),
        ("blood", '{"values": {"x": 1}}', '"x" is no column'),
        ("methylation", "{}", 'no model of block "methylation"; its blocks of vectors: blood, texture'),
    ],
)
def test_a_vector_of_the_request_that_does_not_fit_is_refused(
    scorer: Scorer, block: str, text: str, match: str
) -> None:
    with pytest.raises(BadVectorsError, match=match) as caught:
        ask(scorer, {block: text})
    assert caught.value.advice == "Correct what is named and ask again."


def test_an_unknown_block_cannot_be_left_out(scorer: Scorer) -> None:
    with pytest.raises(BadVectorsError, match='no model of block "zz"; its blocks of vectors: blood, texture'):
        ask(scorer, without=("blood", "zz"))


def test_a_block_can_be_left_out_where_the_bundle_or_the_case_has_it(scorer: Scorer) -> None:
    assert ask(scorer, without=("texture",)).model == "clinical_blood"
    scorer.land(keys.vector(CASE, "methylation"), vector_json("methylation", m1=1))
    assert [remark.code for remark in ask(scorer).remarks] == ["unknown_block"]
    assert not ask(scorer, without=("methylation",)).remarks
