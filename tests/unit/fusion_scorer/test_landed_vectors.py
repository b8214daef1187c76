"""Vectors that land, are replaced or removed lead to scores; a case is scored without those that are refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from medulla.v1.events_pb2 import CaseRescoreRequested

from services.fusion_scorer.score_case import NOTHING_LEFT
from services.standalone.advice import here
from shared import keys
from shared.bus.s3_events import ObjectHint
from shared.canonical import sha256
from shared.errors import InternalError
from shared.keys import BadCaseIdError
from shared.model.errors import BadVectorsError
from tests.support.fusion import clinical_json
from tests.support.scorer import CASE, Scorer
from tests.support.vector_bundle import vector_json

BLOOD = keys.vector(CASE, "blood")
RECORD = keys.clinical(CASE)


@pytest.fixture
def scorer(tmp_path: Path) -> Scorer:
    scorer = Scorer(tmp_path)
    scorer.promote_vectors()
    return scorer


def refused(scorer: Scorer, data: bytes, key: str = BLOOD) -> BadVectorsError:
    with pytest.raises(BadVectorsError) as caught:
        scorer.land(key, data)
    return caught.value


def test_a_landed_vector_is_indexed_and_scores_the_case(scorer: Scorer) -> None:
    data = vector_json("blood", hb=10)
    (request,) = scorer.land(BLOOD, data)
    assert request.case_id == CASE
    entry = json.loads(scorer.store.get(keys.indexed_vector(CASE, "blood")))
    assert (entry["rejected"], entry["digest"]) == (None, sha256(data))
    result = scorer.score()
    assert result.model == "blood"
    assert result.log_risk == pytest.approx(0.5 * (0.5 - 0.1) / 0.5)
    (event,) = scorer.rescore(request)
    assert [stored.key for stored in getattr(event, "inputs", [])] == [BLOOD]


def test_a_replaced_vector_counts_in_its_new_version(scorer: Scorer) -> None:
    scorer.land(BLOOD, vector_json("blood", hb=10))
    before = scorer.score()
    (request,) = scorer.land(BLOOD, vector_json("blood", hb=14))
    assert len(list(scorer.rescore(request))) == 1
    after = scorer.score()
    assert (before.log_risk > 0 > after.log_risk, before.score_id == after.score_id) == (True, False)


def test_a_deleted_vector_leaves_the_score_and_the_last_input_of_a_case_withdraws_it(scorer: Scorer) -> None:
    scorer.land(RECORD, clinical_json(stage="M0"))
    scorer.land(BLOOD, vector_json("blood", hb=10))
    assert scorer.score().model == "clinical_blood"
    scorer.store.delete(BLOOD)
    (request,) = scorer.landing(ObjectHint(BLOOD, "medulla"))
    assert (request.case_id, scorer.score().model) == (CASE, "clinical")
    scorer.land(BLOOD, vector_json("blood", hb=10))
    scorer.store.delete(RECORD)
    assert scorer.score().model == "blood"
    scorer.store.delete(BLOOD)
    event = scorer.score_case(CASE)
    assert (event.nothing_left, event.withdrawn) == (True, NOTHING_LEFT)


def test_the_sweep_finds_landed_replaced_and_removed_vectors_that_no_event_announced(scorer: Scorer) -> None:
    info = scorer.store.put(BLOOD, vector_json("blood", hb=10))
    assert scorer.landing.unseen(info)
    scorer.landing(ObjectHint(BLOOD, "medulla"))
    assert not scorer.landing.unseen(info)
    scorer.score()
    assert scorer.landing.unseen(scorer.store.put(BLOOD, vector_json("blood", hb=14)))
    scorer.store.delete(BLOOD)
    scorer.index.note(CASE)
    assert scorer.landing.sweep_cases() == 1
    assert {event.case_id for event in scorer.announced} == {CASE}


def test_a_bad_vector_is_refused_and_the_case_scored_without_it_with_a_remark(scorer: Scorer) -> None:
    scorer.land(RECORD, clinical_json(stage="M0"))
    error = refused(scorer, vector_json("blood", haemoglobin=12))
    assert [event.case_id for event in scorer.announced] == [CASE]
    rejection = scorer.landing.rejected(ObjectHint(BLOOD, "medulla"), error)
    assert rejection is not None
    assert (rejection.case_id, rejection.object_key, rejection.reason) == (CASE, BLOOD, "bad_vectors")
    assert '"haemoglobin" is no column' in rejection.sentence
    assert "store the vector again" in rejection.advice
    result = scorer.score()
    assert (result.model, len(result.vectors)) == ("clinical", 0)
    assert [remark.code for remark in result.remarks] == ["bad_vectors"]
    assert result.remarks[0].sentence.startswith("A vector was left out of the score: the vector blood of MB-1")
    assert BLOOD not in {stored.key for stored in scorer.score_case(CASE).inputs}


@pytest.mark.parametrize("data", [b"", b"[" * 200_000, b" " * 2_000_000, b'{"values": {"hb": NaN}}', b'{"values": 1}'])
def test_a_hostile_vector_is_refused_in_one_sentence_that_is_kept(scorer: Scorer, data: bytes) -> None:
    error = refused(scorer, data)
    assert json.loads(scorer.store.get(keys.indexed_vector(CASE, "blood")))["rejected"] == str(error)
    assert not scorer.announced


def test_promotion_passes_over_a_case_of_which_all_was_refused(scorer: Scorer) -> None:
    refused(scorer, b"{")
    scorer.promote_vectors("better")
    assert not scorer.rescored()


def test_a_bundle_with_another_column_checks_stored_vectors_again(scorer: Scorer) -> None:
    scorer.land(RECORD, clinical_json(stage="M0"))
    refused(scorer, vector_json("blood", haemoglobin=12, wbc=8))
    scorer.promote_vectors("renamed", {"columns": ["haemoglobin", "wbc", "plt"]})
    (event,) = scorer.rescored()
    assert scorer.score().model == "clinical_blood"
    assert BLOOD in {stored.key for stored in event.inputs}
    scorer.promote_vectors("back")
    scorer.rescored()
    assert (scorer.score().model, scorer.score().remarks[0].code) == ("clinical", "bad_vectors")


def test_a_vector_of_an_unknown_block_is_a_remark_and_no_failure(scorer: Scorer) -> None:
    key = keys.vector(CASE, "methylation")
    (request,) = scorer.land(key, b"anything")
    (event,) = scorer.rescore(request)
    assert key in {stored.key for stored in getattr(event, "inputs", [])}
    result = scorer.score()
    assert result.abstained
    (remark,) = result.remarks
    assert remark.code == "unknown_block"
    assert "bundle toy-vectors has no model of such a block" in remark.sentence
    assert "it reads: blood, texture." in remark.sentence


def test_without_a_bundle_a_vector_waits_and_promotion_scores_it(tmp_path: Path) -> None:
    scorer = Scorer(tmp_path)
    (request,) = scorer.land(BLOOD, vector_json("blood", hb=10))
    assert not list(scorer.rescore(request))
    scorer.promote_vectors()
    (event,) = scorer.rescored()
    assert event.score_id == scorer.score().score_id


def test_a_vector_that_was_given_up_is_not_started_again_by_a_sweep(scorer: Scorer) -> None:
    info = scorer.store.put(BLOOD, vector_json("blood", hb=10))
    scorer.landing.rejected(ObjectHint(BLOOD, "medulla"), InternalError("unexpected ValueError"))
    assert not scorer.landing.unseen(info)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("MB-1.json", "Store it as vectors/MB-1/BLOCK.json, where BLOCK is the name of its block."),
        ("blood.csv", "Write the values as JSON to vectors/CASE/BLOCK.json, where BLOCK is the name of its block."),
        ("MB-1/blood.csv", "Write the values as JSON to vectors/MB-1/blood.json."),
        ("MB-1/blood.JSON", "Store it as vectors/MB-1/blood.json."),
        ("MB-1/x/blood.json", "Store it as vectors/MB-1/blood.json."),
        ("Anna M/blood values.csv", "Write the values as JSON to vectors/CASE/BLOCK.json."),
        ("Anna M.json", "Store it as vectors/CASE/BLOCK.json, where BLOCK is the name of its block."),
        ("a b/blood.json", "vectors/{case_id}/{block}.json, where the case id is"),
        ("MB-1/a b.json", "vectors/{case_id}/{block}.json, where the case id is"),
    ],
)
def test_a_vector_under_a_bad_key_is_refused_with_the_key_that_it_should_have(
    scorer: Scorer, name: str, advice: str
) -> None:
    key = f"{keys.VECTORS}{name}"
    with pytest.raises(BadCaseIdError) as caught:
        scorer.land(key, vector_json("blood", hb=10))
    rejection = scorer.landing.rejected(ObjectHint(key, "medulla"), caught.value)
    assert rejection is not None
    assert (rejection.case_id, rejection.object_key, rejection.reason) == ("", key, "bad_case_id")
    assert advice in here(rejection.reason, rejection.advice)
    info = scorer.store.head(key)
    assert info is not None
    assert not scorer.landing.unseen(info)


@pytest.mark.parametrize("name", ["MB-1/blood.json.part", "MB-1/.DS_Store", "MB-1/blood.xml", "MB-1/"])
def test_unfinished_hidden_and_companion_files_beside_vectors_are_passed_over(scorer: Scorer, name: str) -> None:
    key = f"{keys.VECTORS}{name}"
    info = replace(scorer.store.put(BLOOD, b"{"), key=key)
    assert not list(scorer.landing(ObjectHint(key, "medulla")))
    assert scorer.landing.rejected(ObjectHint(key, "medulla"), InternalError("unexpected")) is None
    assert not scorer.landing.unseen(info)
    assert keys.named_in(key) == {}


def test_a_vector_with_the_name_of_another_case_is_refused(scorer: Scorer) -> None:
    assert 'case_id is "MB-2", but the vector is stored for MB-1' in str(refused(scorer, vector_json("blood", "MB-2")))


def test_two_refused_vectors_that_land_at_once_are_reported_once_each(scorer: Scorer) -> None:
    scorer.store.put(keys.vector(CASE, "texture"), b"{")
    refused(scorer, b"{")
    (request,) = scorer.announced
    assert not list(scorer.rescore(request))
    assert "the vector texture of MB-1" in str(refused(scorer, b"{", keys.vector(CASE, "texture")))
    assert not list(scorer.rescore(request))


def test_a_rescore_reports_the_vector_that_only_the_new_bundle_refuses(scorer: Scorer) -> None:
    refused(scorer, b"{")
    scorer.land(keys.vector(CASE, "texture"), vector_json("texture", t1=1))
    scorer.promote_vectors("newer", texture={"columns": [f"u{i}" for i in range(7)]})
    with pytest.raises(BadVectorsError, match='the vector texture of MB-1 is refused: "t1" is no column'):
        scorer.rescore(CaseRescoreRequested(event_id="e", case_id=CASE))
