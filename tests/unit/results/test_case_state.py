"""What the facts of a case amount to."""

from collections.abc import Sequence

import pytest
from medulla.v1.events_pb2 import Progress, SlideRejected
from medulla.v1.results_pb2 import (
    CASE_STATE_ABSTAINED,
    CASE_STATE_IN_PROGRESS,
    CASE_STATE_REJECTED,
    CASE_STATE_SCORED,
    CASE_STATE_WITHDRAWN,
    CaseState,
)
from medulla.v1.scorer_pb2 import Score

from services.results import case_state
from services.results.errors import ScoreMismatchError
from services.results.ports import CaseFacts, KeptScore, Withdrawal
from shared.units import CaseId
from tests.support import scores as samples

CASE = CaseId("MB-1")


def facts(
    score: Score | None = None,
    minutes: float = 5,
    rejections: Sequence[SlideRejected] = (),
    progress: Sequence[Progress] = (),
) -> CaseFacts:
    current = KeptScore(samples.body(score), samples.at(minutes), current=True) if score else None
    return CaseFacts(CASE, samples.at(9), current, rejections, progress)


def test_a_scored_case_shows_the_risk_of_its_first_horizon() -> None:
    score = samples.score(CASE)
    score.risks.sort(key=lambda risk: -risk.horizon_years)
    summary = case_state.summary(facts(score))
    assert summary.state == CASE_STATE_SCORED
    assert (summary.risk.horizon_years, summary.risk.risk, summary.risk_group) == (3, 0.31, "high")


@pytest.mark.parametrize("state", ["crosses_threshold", "too_uncertain"])
def test_an_uncertain_score_is_a_flag_and_clear_is_none(state: str) -> None:
    score = samples.score(CASE)
    assert case_state.summary(facts(score)).certainty == ""
    score.certainty.state = "clear"
    clear = case_state.summary(facts(score))
    assert (clear.certainty, list(clear.flags)) == ("clear", ["simulated"])
    score.certainty.state, score.risk_group = state, ""
    summary = case_state.summary(facts(score))
    assert (summary.certainty, summary.risk_group) == (state, "")
    assert list(summary.flags) == [state, "simulated"]


def test_an_abstained_case_shows_no_risk_and_no_group() -> None:
    score = samples.abstained(CASE)
    score.risk_group = "high"
    summary = case_state.summary(facts(score))
    assert summary.state == CASE_STATE_ABSTAINED
    assert not summary.HasField("risk")
    assert summary.risk_group == ""


def test_flags_say_what_a_reader_has_to_know() -> None:
    score = samples.abstained(CASE)
    score.modalities_missing.append("clinical")
    refused = [samples.rejected(CASE, "B", samples.at(1))]
    flags = case_state.summary(facts(score, rejections=refused)).flags
    assert list(flags) == ["out_of_distribution", "missing_clinical", "rejected_input", "simulated"]
    score.left_out.add(slide_id="B", reason="replaced")
    score.remarks.add(code="same_slide_in_two_cases")
    assert list(case_state.summary(facts(score)).flags)[2:5] == [
        "left_out_slide",
        "same_slide_in_two_cases",
        "remark",
    ]


def test_a_slide_that_was_left_out_and_a_remark_are_flagged() -> None:
    flags = case_state.summary(facts(samples.remarkable(CASE))).flags
    assert list(flags) == ["out_of_distribution", "left_out_slide", "remark", "simulated"]


def test_a_vector_unlike_training_and_a_block_that_was_left_aside_are_flagged() -> None:
    flags = case_state.summary(facts(samples.with_vectors(CASE))).flags
    assert list(flags) == ["out_of_distribution", "left_aside", "simulated"]


def test_refusals_of_two_vectors_stand_beside_each_other_until_a_score_used_them() -> None:
    refused = [samples.rejected_vector(CASE, block, samples.at(1)) for block in ("blood", "texture")]
    open_rejections = case_state.open_rejections(facts(samples.score(CASE), rejections=refused))
    assert [rejection.object_key for rejection in open_rejections] == [each.object_key for each in refused]
    assert not case_state.open_rejections(facts(samples.with_vectors(CASE), rejections=refused))


def test_a_refused_vector_is_cleared_by_a_score_that_was_made_from_it() -> None:
    refused = samples.rejected_vector(CASE, "blood", samples.at(1))
    refused.object_etag = "v1"
    for key, is_open in (("vectors/MB-1/blood.json", False), ("vectors/MB-1/texture.json", True)):
        current = KeptScore(samples.body(samples.score(CASE)), samples.at(5), True, "r", frozenset({(key, "v2")}))
        case_facts = CaseFacts(CASE, samples.at(9), current, [refused], [])
        assert bool(case_state.open_rejections(case_facts)) is is_open


def test_a_case_with_a_slide_on_its_way_is_in_progress() -> None:
    case_facts = facts(progress=[samples.progress(CASE, "A", 1, samples.at(1))])
    assert case_state.summary(case_facts).state == CASE_STATE_IN_PROGRESS


def test_a_case_whose_every_slide_was_refused_is_rejected() -> None:
    moving = [samples.progress(CASE, "A", 1, samples.at(1))]
    refused = [samples.rejected(CASE, "A", samples.at(1))]
    assert case_state.summary(facts(progress=moving, rejections=refused)).state == CASE_STATE_REJECTED


def test_a_case_with_one_slide_refused_and_another_on_its_way_is_in_progress() -> None:
    moving = [samples.progress(CASE, "B", 1, samples.at(1))]
    refused = [samples.rejected(CASE, "A", samples.at(1))]
    assert case_state.summary(facts(progress=moving, rejections=refused)).state == CASE_STATE_IN_PROGRESS


@pytest.mark.parametrize(
    ("slide", "minutes", "is_open"),
    [("A1", 4, False), ("A1", 6, True), ("B", 4, True), ("", 4, False), ("", 6, True)],
)
def test_a_refusal_stands_until_a_score_used_a_version_as_new(slide: str, minutes: float, is_open: bool) -> None:
    case_facts = facts(samples.score(CASE), minutes=5, rejections=[samples.rejected(CASE, slide, samples.at(minutes))])
    assert bool(case_state.open_rejections(case_facts)) is is_open


def test_a_refused_clinical_record_stands_beside_a_score_without_one() -> None:
    score = samples.score(CASE)
    score.provenance.clinical_digest = ""
    case_facts = facts(score, rejections=[samples.rejected(CASE, "", samples.at(1), "bad_clinical_record")])
    assert [rejection.reason for rejection in case_state.open_rejections(case_facts)] == ["bad_clinical_record"]


@pytest.mark.parametrize(
    ("slide", "minutes", "is_open"), [("", 4, False), ("", 6, True), ("A1", 5, False), ("B", 4, True)]
)
def test_that_a_case_cannot_be_scored_stands_until_it_was(slide: str, minutes: float, is_open: bool) -> None:
    case_facts = facts(
        samples.score(CASE), minutes=5, rejections=[samples.unscorable(CASE, slide, samples.at(minutes))]
    )
    assert bool(case_state.open_rejections(case_facts)) is is_open


def test_a_case_that_cannot_be_scored_hides_no_refused_clinical_record() -> None:
    refused = [
        samples.rejected(CASE, "", samples.at(1), "bad_clinical_record"),
        samples.unscorable(CASE, "", samples.at(2)),
    ]
    open_rejections = case_state.open_rejections(facts(rejections=refused))
    assert [rejection.reason for rejection in open_rejections] == ["bad_bundle", "bad_clinical_record"]


@pytest.mark.parametrize("slide", ["", "A"])
def test_a_case_that_cannot_be_scored_waits_for_none_of_its_slides(slide: str) -> None:
    moved = [samples.progress(CASE, name, 400, samples.at(1)) for name in ("A", "B")]
    case_facts = facts(progress=moved, rejections=[samples.unscorable(CASE, slide, samples.at(1))])
    assert case_state.summary(case_facts).state == CASE_STATE_REJECTED


def test_of_several_refusals_of_a_slide_the_newest_is_shown() -> None:
    refused = [samples.rejected(CASE, "A", samples.at(2), "no_resolution"), samples.rejected(CASE, "A", samples.at(1))]
    assert [rejection.reason for rejection in case_state.open_rejections(facts(rejections=refused))] == [
        "no_resolution"
    ]


def test_fields_of_a_newer_version_are_passed_over() -> None:
    assert case_state.read_score('{"case_id": "a", "new_thing": 1}', "here").case_id == "a"


def test_what_is_no_score_is_refused() -> None:
    with pytest.raises(ScoreMismatchError, match="here holds no score"):
        case_state.read_score('{"risks": "high"}', "here")


@pytest.mark.parametrize(
    ("used", "is_open"), [("slides/MB-1/A1", False), ("slides/MB-1/A2", True), ("clinical/MB-1.json", True)]
)
def test_a_refused_version_stands_until_a_score_was_made_from_that_object(used: str, is_open: bool) -> None:
    refused = samples.rejected(CASE, "A1", samples.at(1))
    refused.object_etag = "bad"
    current = KeptScore(samples.body(samples.score(CASE)), samples.at(9), True, "9", frozenset({(used, "good")}))
    case_facts = CaseFacts(CASE, samples.at(9), current, [refused])
    assert bool(case_state.open_rejections(case_facts)) is is_open


@pytest.mark.parametrize(("revision", "is_open"), [("1", False), ("3", True)])
def test_that_a_case_cannot_be_scored_stands_until_a_greater_revision(revision: str, is_open: bool) -> None:
    refused = samples.unscorable(CASE, "", samples.at(99))
    refused.object_etag = revision
    current = KeptScore(samples.body(samples.score(CASE)), samples.at(1), True, "2", frozenset())
    assert bool(case_state.open_rejections(CaseFacts(CASE, samples.at(9), current, [refused]))) is is_open


@pytest.mark.parametrize(
    ("nothing_left", "minutes", "state"),
    [(True, 1, CASE_STATE_WITHDRAWN), (True, 6, CASE_STATE_IN_PROGRESS), (False, 1, CASE_STATE_IN_PROGRESS)],
)
def test_a_case_of_which_nothing_is_left_is_withdrawn_until_a_slide_moves(
    nothing_left: bool, minutes: float, state: CaseState.ValueType
) -> None:
    withdrawal = Withdrawal(CASE, "Everything was deleted.", nothing_left, samples.at(5), "5", "e")
    case_facts = CaseFacts(
        CASE, samples.at(9), progress=[samples.progress(CASE, "A", 1, samples.at(minutes))], withdrawn=withdrawal
    )
    assert case_state.answer(case_facts).summary.state == state
    moves_again = minutes > 5
    assert case_state.answer(case_facts).withdrawn == ("" if moves_again else "Everything was deleted.")
