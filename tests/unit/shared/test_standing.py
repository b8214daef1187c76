"""Work on a slide learns that the slide was replaced, deleted or erased."""

from collections.abc import Callable
from threading import Event

import pytest
from medulla.v1.common_pb2 import Slide

from shared import keys
from shared.blob import stored_object
from shared.blob.memory import MemoryStore
from shared.blob.port import ObjectChangedError
from shared.erased import ErasedCases
from shared.slides.standing import StandingCheck, check_stands, ended_if_changed
from shared.units import CaseId

CASE = CaseId("c1")
FIRST, SECOND = (f"{keys.slides(CASE)}S/{name}.dcm" for name in "ab")


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    for key in (FIRST, SECOND):
        store.put(key, b"pixels")
    return store


def _slide(store: MemoryStore) -> Slide:
    first, second = (stored_object.to_message(info) for info in store.list(keys.slides(CASE)))
    return Slide(case_id=CASE, slide_id="S", digest="a" * 64, object=first, files=[second])


def test_a_slide_that_stands_may_be_worked_on(store: MemoryStore) -> None:
    check_stands(store, _slide(store))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda store: store.delete(SECOND), f"object {SECOND} was deleted while it was worked on"),
        (lambda store: store.put(FIRST, b"other pixels"), f"object {FIRST} was overwritten while it was worked on"),
        (lambda store: ErasedCases(store).add(CASE), f"the case of object {FIRST} was erased while it was worked on"),
    ],
)
def test_a_change_is_named_with_the_digest_of_what_was_worked_on(
    store: MemoryStore, change: Callable[[MemoryStore], object], sentence: str
) -> None:
    slide = _slide(store)
    change(store)
    with pytest.raises(ObjectChangedError) as caught:
        check_stands(store, slide)
    assert (str(caught.value), caught.value.slide_digest) == (sentence, "a" * 64)


def test_a_check_in_steps_asks_the_store_once_in_a_while(store: MemoryStore) -> None:
    seldom, always = (StandingCheck(store, _slide(store), every_s) for every_s in (3600.0, 0.0))
    seldom()
    store.delete(FIRST)
    seldom()
    with pytest.raises(ObjectChangedError):
        always()


@pytest.mark.parametrize("is_deleted", [True, False])
def test_work_that_cannot_look_itself_is_ended_when_its_slide_is_deleted(store: MemoryStore, is_deleted: bool) -> None:
    ended = Event()
    with ended_if_changed(store, _slide(store), ended.set, every_s=0.01):
        if is_deleted:
            store.delete(FIRST)
        assert ended.wait(20 if is_deleted else 0.2) == is_deleted
