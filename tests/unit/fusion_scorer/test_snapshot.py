"""A case is what stands in the bucket: deleted, replaced, repeated and swapped slides."""

from dataclasses import replace
from typing import Any

import pytest
from medulla.v1.common_pb2 import StoredObject
from medulla.v1.events_pb2 import CaseScored
from medulla.v1.scorer_pb2 import Score

from services.fusion_scorer.case_record import CaseRecord, RecordedState
from services.fusion_scorer.changes import CaseChanges
from services.fusion_scorer.score_case import NOTHING_LEFT, NOTHING_USABLE
from shared import keys
from shared.bus.s3_events import ObjectHint
from shared.units import CaseId
from tests.support.fusion import clinical_json, features, store_slide
from tests.support.logs import logging_as
from tests.support.scorer import CASE, Scorer

OTHER = CaseId("MB-2")


def remove(scorer: Scorer, key: str) -> list[str]:
    """Delete an object; the cases that are to be scored again."""
    scorer.store.delete(key)
    return [request.case_id for request in scorer.landing(ObjectHint(key, "medulla", removed=True))]


def used(score: Score) -> list[str]:
    return [slide.slide_id for slide in score.slides]


def withdrawn(scorer: Scorer) -> CaseScored:
    event = scorer.score_case(CASE)
    assert event.withdrawn
    return event


def put(scorer: Scorer, case: str, slide: str, pixels: bytes) -> list[str]:
    """Embed a slide of these bytes; the cases that are to be scored again."""
    event = store_slide(scorer.store, case, slide, features((0, 2)), pixels=pixels)
    return [request.case_id for request in scorer.index_slide(event)]


def test_a_deleted_slide_leaves_the_score_at_its_word(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2))
    scorer.slide("B", (0, 8))
    before = scorer.score_case(CASE)
    assert remove(scorer, "slides/MB-1/B") == [CASE]
    after = scorer.score_case(CASE)
    assert used(scorer.score()) == ["A"]
    assert after.revision > before.revision
    assert [stored.key for stored in after.inputs] == ["slides/MB-1/A"]


def test_a_replaced_slide_is_left_out_by_name_until_its_new_version_is_embedded(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2))
    scorer.slide("B", (0, 8))
    scorer.score_case(CASE)
    new = store_slide(scorer.store, CASE, "B", features((0, 4)), minutes=-9)
    assert [event.case_id for event in scorer.landing(ObjectHint("slides/MB-1/B", "medulla"))] == [CASE]
    score = scorer.score()
    assert (used(score), [(slide.slide_id, slide.reason) for slide in score.left_out]) == (["A"], [("B", "replaced")])
    scorer.index_slide(new)
    assert (used(scorer.score()), list(scorer.score().left_out)) == (["A", "B"], [])


def test_a_case_of_which_nothing_is_left_is_withdrawn_and_scored_again_when_something_comes(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2))
    scorer.land("clinical/MB-1.json", clinical_json(stage="M1"))
    scorer.score_case(CASE)
    remove(scorer, "slides/MB-1/A")
    remove(scorer, "clinical/MB-1.json")
    withdrawal = withdrawn(scorer)
    assert (withdrawal.withdrawn, withdrawal.nothing_left) == (NOTHING_LEFT, True)
    assert scorer.score_case(CASE) == withdrawal
    scorer.slide("A", (0, 2))
    assert scorer.score_case(CASE).revision > withdrawal.revision


def test_a_case_whose_only_slide_is_replaced_has_no_score_and_is_not_gone(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2))
    scorer.score_case(CASE)
    scorer.store.put("slides/MB-1/A", b"another slide")
    assert (withdrawn(scorer).withdrawn, withdrawn(scorer).nothing_left) == (NOTHING_USABLE, False)


def test_a_case_of_refused_slides_alone_is_withdrawn_when_the_last_is_deleted(scorer: Scorer) -> None:
    scorer.store.put("slides/MB-1/bad.svs", b"no slide")
    scorer.store.put("slides/MB-1/note.txt", b"not a slide either")
    assert remove(scorer, "slides/MB-1/bad.svs") == [CASE]
    assert withdrawn(scorer).nothing_left


def test_an_upload_that_was_renamed_makes_no_case(scorer: Scorer) -> None:
    assert remove(scorer, "slides/MB-1/a.svs.part") == []
    assert not scorer.index.has_case(CASE)


def test_the_sweep_finds_what_was_deleted_replaced_or_put_back_unheard(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2))
    pixels = scorer.store.get("slides/MB-1/A")
    scorer.land("clinical/MB-1.json", clinical_json(stage="M1"))
    scorer.score_case(CASE)
    assert scorer.landing.sweep_cases() == 0
    for change in (
        lambda: scorer.store.delete("slides/MB-1/A"),
        lambda: scorer.store.put("slides/MB-1/A", pixels),
        lambda: scorer.store.put("clinical/MB-1.json", clinical_json(stage="M0")),
        lambda: scorer.store.delete("clinical/MB-1.json"),
    ):
        change()
        scorer.announced.clear()
        assert scorer.landing.sweep_cases() == 1
        assert [event.case_id for event in scorer.announced] == [CASE]
        scorer.score_case(CASE)
        assert scorer.landing.sweep_cases() == 0


def test_the_same_bytes_twice_in_a_case_count_once_and_the_case_says_so(scorer: Scorer) -> None:
    for slide in "AB":
        put(scorer, CASE, slide, b"the same slide")
    score = scorer.score()
    assert (used(score), [(slide.slide_id, slide.reason) for slide in score.left_out]) == (
        ["A"],
        [("B", "duplicate_slide")],
    )
    (remark,) = score.remarks
    assert (remark.code, remark.slide_id) == ("duplicate_slide", "B")
    assert "A and B" in remark.sentence
    remove(scorer, "slides/MB-1/A")
    assert (used(scorer.score()), list(scorer.score().remarks)) == (["B"], [])


def test_the_same_bytes_under_two_cases_are_remarked_on_both_until_one_is_deleted(scorer: Scorer) -> None:
    assert put(scorer, CASE, "A", b"a slide") == [CASE]
    assert not scorer.score().remarks
    assert put(scorer, OTHER, "X", b"a slide") == [OTHER, CASE]
    for case, other in ((CASE, OTHER), (OTHER, CASE)):
        (remark,) = scorer.score(case).remarks
        assert remark.code == "same_slide_in_two_cases"
        assert other not in remark.sentence
    assert remove(scorer, "slides/MB-2/X") == [CASE, OTHER]
    assert not scorer.score().remarks


def test_an_entry_under_an_id_of_older_programs_does_not_count(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2))
    old = store_slide(scorer.store, CASE, "B", features((0, 8)))
    old.slide.object.key = "slides/MB-1/B.svs"
    old.slide.object.etag = scorer.store.put("slides/MB-1/B.svs", b"x").etag
    scorer.index_slide(old)
    assert used(scorer.score()) == ["A"]


def test_of_a_slide_that_got_more_files_the_larger_set_counts_and_all_files_must_stand(scorer: Scorer) -> None:
    first = store_slide(scorer.store, CASE, "1.2.3", features((0, 2)))
    more = store_slide(scorer.store, CASE, "1.2.3", features((0, 4)))
    first.slide.object.CopyFrom(more.slide.object)
    etag = scorer.store.put("slides/MB-1/part", b"x").etag
    more.slide.files.append(StoredObject(key="slides/MB-1/part", etag=etag))
    for event in (more, first):
        scorer.index_slide(event)
    assert scorer.score().log_risk == pytest.approx(0.5 * (4 - 1) / 2)
    remove(scorer, "slides/MB-1/part")
    assert scorer.score().log_risk == pytest.approx(0.5 * (2 - 1) / 2)


def test_a_worker_that_was_stopped_does_not_tell_an_older_state_last(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer.slide("A", (0, 2))
    unhindered, others = CaseRecord.record, list[CaseScored]()

    def overtaken(record: CaseRecord, case: CaseId, *state: Any) -> RecordedState:
        """Before a worker records its state the bucket changes, and another worker scores it."""
        monkeypatch.undo()
        remove(scorer, "slides/MB-1/A")
        scorer.slide("B", (0, 8))
        others.append(scorer.score_case(CASE))
        return unhindered(record, case, *state)

    monkeypatch.setattr(CaseRecord, "record", overtaken)
    event = scorer.score_case(CASE)
    assert [stored.key for stored in event.inputs] == ["slides/MB-1/B"]
    assert (event.score_id, event.revision > others[0].revision) == (others[0].score_id, True)


def test_a_date_of_the_future_is_overtaken(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2), minutes=60 * 24 * 365 * 500)
    future = scorer.score_case(CASE)
    scorer.slide("A", (0, 4))
    assert scorer.score_case(CASE).revision > future.revision
    assert len(list(scorer.store.list(keys.places(CASE)))) == 1


def damage(scorer: Scorer) -> None:
    """Overwrite everything that the index keeps of the case."""
    for info in list(scorer.store.list(keys.indexed(CASE))):
        scorer.store.put(info.key, b"\x80garbage")


@pytest.fixture
def damaged(scorer: Scorer) -> Scorer:
    """A case that was scored from two slides and a record, and whose index was damaged then."""
    scorer.promote()
    scorer.store.put("clinical/MB-1.json", clinical_json(stage="M1"))
    for slide in ("A", "B"):
        scorer.slide(slide, (0, 2))
    scorer.score_case(CASE)
    damage(scorer)
    return scorer


def test_a_damaged_case_is_found_by_the_sweep(damaged: Scorer) -> None:
    failed = list[str]()
    assert damaged.landing.sweep_cases(failed.append) == 1
    assert {event.case_id for event in damaged.announced} == {CASE}
    assert not failed


def test_the_log_names_the_case_whose_record_is_damaged(damaged: Scorer) -> None:
    with logging_as("fusion_scorer", "WARNING") as logged:
        CaseRecord(damaged.store).last(CASE)
    (line,) = logged.lines("the record of a case is damaged; the case is scored again")
    assert line["case_id"] == CASE


def test_slides_with_damaged_entries_are_left_out_by_name_and_embedded_again(damaged: Scorer) -> None:
    listed = list[str]()
    event = replace(damaged.score_case, embed_again=lambda file: listed.append(file.key))(CASE)
    assert listed == ["slides/MB-1/A", "slides/MB-1/B"]
    score = damaged.score()
    assert [(left.slide_id, left.reason) for left in score.left_out] == [("A", "damaged_entry"), ("B", "damaged_entry")]
    damaged.slide("A", (0, 2))
    damaged.slide("B", (0, 2))
    again = damaged.score_case(CASE)
    assert used(damaged.score()) == ["A", "B"]
    assert not damaged.score().left_out
    assert again.revision > event.revision


def test_a_damaged_entry_of_an_older_version_matters_to_nobody(damaged: Scorer) -> None:
    damaged.slide("A", (0, 4), minutes=1)
    damaged.slide("B", (0, 4), minutes=1)
    listed = list[str]()
    replace(damaged.score_case, embed_again=lambda file: listed.append(file.key))(CASE)
    assert not listed
    assert not damaged.score().left_out


def test_a_score_after_a_damaged_record_of_the_case_is_the_current_one(scorer: Scorer) -> None:
    scorer.slide("A", (0, 2))
    before = scorer.score_case(CASE)
    (place,) = scorer.store.list(keys.places(CASE))
    scorer.store.put(place.key, b"\x80garbage")
    assert scorer.score_case(CASE).revision > before.revision
    assert CaseRecord(scorer.store).last(CASE) is not None
    assert not scorer.changes.outdated(CASE)


def test_a_damaged_entry_of_a_record_lets_it_be_looked_at_again(damaged: Scorer) -> None:
    info = damaged.store.head("clinical/MB-1.json")
    assert info is not None
    assert damaged.landing.unseen(info)
    assert not damaged.index.refused(info.key)
    damaged.landing(ObjectHint(info.key, "medulla"))
    assert not damaged.landing.unseen(info)


def test_a_case_that_cannot_be_compared_is_named_and_stops_no_other(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for case in (CASE, OTHER):
        put(scorer, case, "A", case.encode())
        scorer.score_case(case)
        scorer.store.delete(f"slides/{case}/A")
    outdated = CaseChanges.outdated

    def fail(changes: CaseChanges, case: CaseId) -> bool:
        if case == CASE:
            raise TypeError("a bug")
        return outdated(changes, case)

    monkeypatch.setattr(CaseChanges, "outdated", fail)
    failed = list[str]()
    assert scorer.landing.sweep_cases(failed.append) == 1
    assert failed == [CASE]
