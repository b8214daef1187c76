"""Cases are walked by listings side by side, each with all its objects; marks hold while the listing stays the same."""

from hypothesis import given
from hypothesis import strategies as st

from shared import keys
from shared.blob.memory import MemoryStore
from shared.case_walk import ListedCase, walk
from shared.settled import SettledMarks
from shared.units import CaseId
from tests.support.counting_store import CountingStore

NAMELESS = ("clinical/", "clinical/x.json.part", "clinical/a b.json", "clinical/t.csv", "cases/stray", "cases/a b/x")
_cases = st.sets(st.sampled_from(["A", "A-1", "A.k", "A.j", "A.json", "A_", "B", "0"]), max_size=6)


def walk_both(store: MemoryStore) -> list[ListedCase]:
    return list(walk(store, keys.SLIDES, keys.LANDINGS))


@given(slides=_cases, landings=_cases)
def test_folders_of_a_case_come_together_whatever_the_ids(slides: set[str], landings: set[str]) -> None:
    store = MemoryStore()
    for case in slides:
        store.put(f"slides/{case}/1.svs", b"")
        store.put(f"slides/{case}/2.svs", b"")
    for case in landings:
        store.put(f"landings/{case}/x.json", b"")
    walked = [(case.case_id, len(case.below(keys.SLIDES)), len(case.below(keys.LANDINGS))) for case in walk_both(store)]
    assert sorted(walked) == sorted((case, 2 * (case in slides), int(case in landings)) for case in slides | landings)


@given(records=_cases)
def test_records_are_walked_and_keys_that_name_no_case_are_not(records: set[str]) -> None:
    store = MemoryStore()
    for key in NAMELESS:
        store.put(key, b"")
    for case in records:
        store.put(keys.clinical(CaseId(case)), b"{}")
    listed = [info.key for case in walk(store, keys.CLINICAL, keys.CASES) for info in case.below(keys.CLINICAL)]
    assert listed == sorted(keys.clinical(CaseId(case)) for case in records)


def test_a_mark_holds_until_an_object_or_a_parameter_changes_and_takes_the_place_of_earlier_ones() -> None:
    store = CountingStore(MemoryStore())
    marks, others = SettledMarks(store, keys.LANDINGS, "tiler"), SettledMarks(store, keys.LANDINGS, "tiler-2")

    def settled(chosen: SettledMarks) -> bool:
        (case,) = walk(store, keys.SLIDES, keys.LANDINGS)
        was_settled = chosen.settled(case)
        chosen.settle(case)
        return was_settled

    store.put("slides/A/1.svs", b"first")
    assert [settled(marks), settled(others), settled(marks), settled(others)] == [False, False, True, True]
    assert not settled(SettledMarks(store, keys.LANDINGS, "tiler", "another grid"))
    store.put("slides/A/1.svs", b"second")
    assert [settled(marks), settled(marks)] == [False, True]
    assert len(list(store.list(keys.LANDINGS))) == 2
