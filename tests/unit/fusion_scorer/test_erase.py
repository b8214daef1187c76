"""Nothing of an erased case is left in the bucket, and nothing of another case is touched."""

import json

import pytest
from medulla.v1.events_pb2 import CaseEraseRequested, CaseRescoreRequested

from services.fusion_scorer.erase import EraseCase
from shared import keys
from shared.blob.memory import MemoryStore
from shared.bus import topics
from shared.bus.dead_letters import replay_note, to_dead_letter
from shared.bus.events import to_record
from shared.bus.port import Delivery, Record
from shared.erased import RETENTION, ErasedCases, letters_to_forget, request
from shared.errors import PoisonMessageError
from shared.units import CaseId, Sha256, SlideId

CANARY, OTHER, LIFTED = CaseId("canary-7"), CaseId("canary-77"), CaseId("lifted")
OWN, COMMON, LATE = (Sha256(digit * 64) for digit in "abc")
PLAN, SCORE = Sha256("d" * 64), Sha256("e" * 64)


def _fill(store: MemoryStore, case: CaseId, slides: tuple[Sha256, ...]) -> None:
    """What the services keep of a case, in their places."""
    store.put(f"{keys.slides(case)}S.svs", b"pixels")
    store.put(keys.clinical(case), b"{}")
    store.put(f"{keys.clinical(case)}.part", b"{")
    store.put(keys.vector(case, "radiomics"), b"{}")
    store.put(f"{keys.vector(case, 'radiomics')}.part", b"{")
    store.put(keys.indexed_vector(case, "radiomics"), b"{}")
    for slide in slides:
        named = json.dumps({"case_id": case, "thumbnail_key": keys.plan_prefix(slide, PLAN) + keys.THUMBNAIL})
        attention = keys.attention(slide, Sha256(case.encode().hex().ljust(64, "0")))
        store.put(keys.indexed_slide(case, SlideId(slide[0]), slide), named.encode())
        store.put(f"{keys.landings(case)}{slide}.json", named.encode())
        store.put(keys.score(case, SCORE), json.dumps({"attention_key": attention, "other": named}).encode())
        store.put(keys.cases_of(slide) + case, b"")
        for prefix in keys.derived(slide):
            store.put(f"{prefix}file", b"derived")
        store.put(attention, b"map")


def _erase(store: MemoryStore, event: CaseEraseRequested) -> tuple[list[str], list[str]]:
    """Whose dead letters were forgotten, and which cases are to be scored again."""
    forgotten: list[str] = []
    events = EraseCase(store, forgotten.append)(event)
    return forgotten, [each.case_id for each in events if isinstance(each, CaseRescoreRequested)]


def _left(store: MemoryStore) -> list[str]:
    return [info.key for info in store.list("")]


def test_nothing_of_the_case_is_left_but_markers_that_do_not_name_it() -> None:
    store = MemoryStore()
    _fill(store, CANARY, (OWN,))
    assert _erase(store, request(CANARY, "operator")) == ([CANARY], [])
    assert _left(store) == [keys.erased(CANARY), keys.erased_slide(OWN)]
    assert not [key for key in _left(store) if CANARY.encode() in key.encode() + store.get(key)]
    assert ErasedCases(store).holds(CANARY)


def test_a_case_whose_index_is_damaged_is_erased_too() -> None:
    store = MemoryStore()
    _fill(store, CANARY, (OWN,))
    store.put(f"{keys.indexed_slides(CANARY)}damaged.json", b"\xff\xfe")
    _erase(store, request(CANARY, "operator"))
    assert _left(store) == [keys.erased(CANARY), keys.erased_slide(OWN)]


def test_a_case_with_a_similar_id_and_slides_that_it_shares_stay_whole() -> None:
    store, untouched = MemoryStore(), MemoryStore()
    _fill(untouched, OTHER, (COMMON,))
    _fill(store, OTHER, (COMMON,))
    _fill(store, CANARY, (OWN, COMMON))
    assert _erase(store, request(CANARY, "operator")) == ([CANARY], [OTHER])
    left = set(_left(store)) - {keys.erased(CANARY), keys.erased_slide(OWN), keys.erased_slide(COMMON)}
    assert left == {info.key for info in untouched.list("")}


def test_a_slide_stays_for_a_case_that_is_still_at_work_on_it_and_has_nothing_to_score() -> None:
    store = MemoryStore()
    _fill(store, CANARY, (COMMON,))
    store.put(keys.cases_of(COMMON) + OTHER, b"")
    store.put(f"{keys.slides(OTHER)}a.svs", b"pixels")
    assert _erase(store, request(CANARY, "operator")) == ([CANARY], [])
    left = {info.key for info in store.list("")}
    assert left >= {f"plans/{COMMON}/file", f"embeddings/{COMMON}/file"}
    assert not [key for key in left if key.endswith(f"/{CANARY}")]


def test_a_slide_goes_although_a_withdrawn_case_had_it() -> None:
    store = MemoryStore()
    _fill(store, CANARY, (COMMON,))
    store.put(keys.cases_of(COMMON) + OTHER, b"")
    _erase(store, request(CANARY, "operator"))
    assert not [info.key for info in store.list("") if info.key.startswith(("plans/", "embeddings/"))]


def test_services_are_asked_once_more_when_the_marker_stands_and_not_for_ever() -> None:
    store = MemoryStore()
    erase = EraseCase(store, lambda _: None)
    (again,) = erase(request(CANARY, "operator"))
    assert isinstance(again, CaseEraseRequested)
    assert erase(again) == []


def test_a_request_whose_scorer_was_killed_before_its_answer_is_answered_the_same_way() -> None:
    erase = EraseCase(MemoryStore(), lambda _: None)
    first = erase(request(CANARY, "operator"))
    assert first
    assert erase(request(CANARY, "operator")) == first


def test_the_marker_and_the_second_request_have_the_cause_of_the_first() -> None:
    store = MemoryStore()
    (again,) = EraseCase(store, lambda _: None)(request(CANARY, RETENTION, "id"))
    assert isinstance(again, CaseEraseRequested)
    assert (again.cause, ErasedCases(store).cause(CANARY)) == (RETENTION, RETENTION)


def test_a_request_with_a_condition_is_left_to_results() -> None:
    store = MemoryStore()
    _fill(store, CANARY, (OWN,))
    event, before = request(CANARY, RETENTION, "id"), _left(store)
    event.idle_since.GetCurrentTime()
    assert _erase(store, event) == ([], [])
    assert _left(store) == before


@pytest.mark.parametrize(
    ("key", "is_forgotten"),
    [
        (CANARY, True),
        (f"medulla/slides/{CANARY}/S.svs", True),
        (f"medulla/slides/slides/{CANARY}/S.svs", True),
        (f"slides/slides/{CANARY}/S.svs", True),
        (f"slides/vectors/{CANARY}/radiomics.json", True),
        (f"slides/clinical/{CANARY}.json", True),
        (f"medulla/vectors/slides/{CANARY}/S.svs", True),
        (f"clinical/clinical/{CANARY}.json", True),
        (f"clinical/{CANARY}.json", True),
        (LIFTED, True),
        (OTHER, False),
        (f"medulla/slides/{OTHER}/S.svs", False),
        (f"slides/slides/{OTHER}/S.svs", False),
        (f"slides/clinical/{OTHER}.json", False),
        ("", False),
    ],
)
def test_letters_of_every_erased_case_are_forgotten(key: str, is_forgotten: bool) -> None:
    """Also of the case whose request is handled, if its erasure was lifted meanwhile."""
    store = MemoryStore()
    ErasedCases(store).add(CANARY)
    letter = Delivery(Record(topics.DEAD_LETTERS, key, b""), 0, 0, 0.0)
    assert letters_to_forget(store, LIFTED)(letter) == is_forgotten


@pytest.mark.parametrize("case", [CANARY, OTHER])
def test_a_letter_of_a_request_to_erase_stays_with_its_notes(case: CaseId) -> None:
    """Such as that of a document which the FHIR server refused to delete; replayed, it deletes it."""
    store = MemoryStore()
    ErasedCases(store).add(CANARY)
    given_up = Delivery(to_record(request(CANARY, "operator"), "results"), 0, 7, 0.0)
    letter = to_dead_letter(given_up, PoisonMessageError("the FHIR server answers DELETE with 403"), "results_fhir")
    is_obsolete = letters_to_forget(store, case)
    assert not is_obsolete(Delivery(letter, 0, 0, 0.0))
    assert not is_obsolete(Delivery(replay_note(letter), 0, 1, 0.0))


def test_an_object_that_another_erasure_of_the_case_removed_first_is_passed_over() -> None:
    class OvertakenStore(MemoryStore):
        def get(self, key: str) -> bytes:
            self.delete(key)
            return super().get(key)

    store = OvertakenStore()
    _fill(store, CANARY, ())
    store.put(keys.score(CANARY, SCORE), b"{}")
    _erase(store, request(CANARY, "operator"))
    assert _left(store) == [keys.erased(CANARY)]


def test_a_case_that_takes_in_a_slide_while_it_is_erased_has_it_planned_again() -> None:
    class LandingStore(MemoryStore):
        def erase(self, name: str) -> int:
            if name == f"plans/{COMMON}/":
                _fill(self, OTHER, (COMMON,))
                self.put(keys.landed_slide(OTHER, COMMON), b"{}")
            return super().erase(name)

    store = LandingStore()
    _fill(store, CANARY, (COMMON,))
    _erase(store, request(CANARY, "operator"))
    below = [info.key for info in store.list(keys.landings(OTHER))]
    assert below == [keys.landed_slide(OTHER, COMMON)]


def test_the_record_of_a_case_whose_id_ends_like_a_file_stays() -> None:
    store, other = MemoryStore(), CaseId(f"{CANARY}.json")
    for name in (keys.clinical(other), f"{keys.clinical(other)}.part"):
        store.put(name, b"{}")
    _erase(store, request(CANARY, "operator"))
    assert store.head(keys.clinical(other))
    assert store.head(f"{keys.clinical(other)}.part")


def test_what_late_work_wrote_goes_with_a_second_request() -> None:
    store = MemoryStore()
    _erase(store, request(CANARY, "operator"))
    store.put(f"{keys.bag_prefix(LATE, PLAN, SCORE)}part-00000", b"late")
    _erase(store, request(CANARY, "late", slide_digests=[LATE]))
    assert _left(store) == [keys.erased(CANARY), keys.erased_slide(LATE)]


def test_a_plan_goes_whose_tiler_was_killed_before_it_announced_it() -> None:
    store = MemoryStore()
    store.put(keys.landed_slide(CANARY, OWN), json.dumps({"plans": f"plans/{OWN}/"}).encode())
    store.put(keys.plan_prefix(OWN, PLAN) + keys.PLAN, b"{}")
    _erase(store, request(CANARY, "operator"))
    assert _left(store) == [keys.erased(CANARY), keys.erased_slide(OWN)]


def test_the_second_request_names_the_slides_that_a_tiler_may_have_been_planning() -> None:
    store = MemoryStore()
    store.put(keys.landed_slide(CANARY, OWN), json.dumps({"plans": f"plans/{OWN}/"}).encode())
    (again,) = EraseCase(store, lambda _: None)(request(CANARY, "operator"))
    assert isinstance(again, CaseEraseRequested)
    store.put(keys.plan_prefix(OWN, PLAN) + keys.PLAN, b"{}")
    _erase(store, again)
    assert _left(store) == [keys.erased(CANARY), keys.erased_slide(OWN)]


def test_a_lifted_erasure_lets_the_case_in_again() -> None:
    erased = ErasedCases(MemoryStore())
    erased.add(CANARY)
    assert erased.lift(CANARY)
    assert not erased.holds(CANARY)
    assert not erased.lift(CANARY)
