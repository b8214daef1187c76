"""Refusals that `medulla up` prints: those of files that are in the folder now."""

from medulla.v1.events_pb2 import SlideRejected

from services.standalone.laptop import is_current
from shared.blob.memory import MemoryStore

KEY = "vectors/C-1/blood.json"


def test_a_refusal_of_a_whole_case_names_no_file_and_is_current() -> None:
    assert is_current(MemoryStore(), SlideRejected(case_id="C-1", object_key="", object_etag="revision"))


def test_a_refusal_of_a_file_is_current_while_that_version_is_there() -> None:
    store = MemoryStore()
    store.put(KEY, b"{}")
    refusal = SlideRejected(case_id="C-1", object_key=KEY, object_etag=getattr(store.head(KEY), "etag", ""))
    assert is_current(store, refusal)
    store.put(KEY, b"{ }")
    assert not is_current(store, refusal)
