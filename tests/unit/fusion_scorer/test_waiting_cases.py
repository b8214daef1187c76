"""The cases that wait for an encoder are counted by listings; only what these leave open is read."""

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.encoder_bags import waits
from services.fusion_scorer.waiting_cases import waiting_cases
from shared.blob.memory import MemoryStore
from shared.model.manifest import EncoderRef
from shared.slides.served_encoders import serve
from shared.units import CaseId
from tests.support.counting_store import CountingStore
from tests.support.fusion import ENCODER, digest, features, store_slide

OTHER, UNSERVED = digest(b"another encoder"), digest(b"an encoder of the past")
REF = EncoderRef(name="toy-encoder", digest=ENCODER)


def embed(store: CountingStore, case: str, *encoders: str, slide: str = "A.svs") -> None:
    for encoder in encoders:
        event = store_slide(store, CaseId(case), slide, features((0, 2)), pixels=case.encode())
        event.bag.encoder_digest = encoder
        CaseIndex(store).put_slide(event)


def bucket() -> CountingStore:
    store = CountingStore(MemoryStore())
    serve(store, "embedder", "toy-encoder", ENCODER)
    serve(store, "embedder-other", "other", OTHER)
    for number in range(20):
        embed(store, f"C-{number}", ENCODER)
    embed(store, "BOTH", OTHER, ENCODER)
    embed(store, "WAITS", OTHER)
    embed(store, "WAITS", ENCODER, slide="B.svs")
    embed(store, "GONE", OTHER)
    store.delete("slides/GONE/A.svs")
    return store


def test_cases_of_served_encoders_are_counted_by_listings_alone() -> None:
    store = bucket()
    store.requests.clear()
    assert waiting_cases(store, REF) == 1
    assert store.requests == {"list": 3, "get": 2}


def test_what_listings_leave_open_is_read() -> None:
    store = bucket()
    embed(store, "PAST", UNSERVED)
    embed(store, "REPLACED", OTHER)
    store.put("slides/REPLACED/A.svs", b"another version")
    cases = list(CaseIndex(store).cases())
    assert waiting_cases(store, REF) == sum(waits(store, REF, case) for case in cases) == 2
