"""Planned slides without a bag of an encoder: which are requested, in which order, and how they are embedded."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.json_format import MessageToDict
from medulla.v1.events_pb2 import SlideEmbedded, SlideTiled

from services.embedder.backlog import Backlog
from services.embedder.errors import EmptyPlanError
from services.embedder.events import rejected
from services.embedder.routes import routes
from shared import keys, metrics
from shared.blob.port import BlobStore
from shared.bus import topics
from shared.bus.events import decoder
from shared.bus.memory import MemoryBus
from shared.bus.partition_queues import is_long
from shared.bus.port import Delivery, Record
from shared.canonical import canonical_json
from shared.erased import ErasedCases
from shared.errors import PermanentError
from shared.route import subscriptions
from shared.times import stamp
from shared.units import CaseId
from shared.worker import Worker
from tests.support.bus import running
from tests.support.embedding import Setting, digest_of, planned
from tests.support.polling import eventually

GROUP = "embedder-new"
NOW = datetime.now(UTC)


def remembered(store: BlobStore, name: str, hours: int = 0) -> SlideTiled:
    """A slide that the tiler planned, and that landed so many hours ago."""
    event = planned(store, tiles=10, name=name)
    event.as_of.CopyFrom(stamp(NOW - timedelta(hours=hours)))
    outcome = canonical_json(MessageToDict(event, preserving_proto_field_name=True))
    store.put(f"{keys.landings(CaseId('case-1'))}{digest_of(name)}.json", outcome)
    return event


def backlog(setting: Setting, sent: list[Record]) -> Backlog:
    return Backlog(setting.store, setting.encoder.manifest, sent.extend, GROUP, timedelta())


def names(records: list[Record]) -> list[str]:
    return [decoder(SlideTiled)(record).slide.slide_id for record in records]


def test_missing_slides_are_requested_once_the_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    setting, sent = Setting(), list[Record]()
    for name, hours in (("old", 9), ("new", 1), ("older", 20), ("newer", 0)):
        remembered(setting.store, name, hours)
    monkeypatch.setattr("services.embedder.backlog._AT_ONCE", 3)
    sweep = backlog(setting, sent)
    assert (sweep(), names(sent)) == (3, ["newer", "new", "old"])
    assert (sweep(), metrics.BAGS_MISSING.labels(GROUP)._value.get()) == (0, 4)
    setting.embed(decoder(SlideTiled)(sent[0]))
    assert (sweep(), names(sent)[3:]) == (1, ["older"])
    assert {record.topic for record in sent} == {"embedder-new.retry"}
    assert all(is_long(Delivery(record, 0, 0)) for record in sent)


def test_a_case_that_is_erased_during_a_sweep_is_no_internal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    setting, sent = Setting(), list[Record]()
    remembered(setting.store, "erased")
    listed = list(setting.store.list(keys.LANDINGS))
    setting.store.delete(listed[0].key)
    monkeypatch.setattr(setting.store, "list", lambda _prefix: iter(listed))
    errors = metrics.INTERNAL_ERRORS.labels("backlog", "ObjectChangedError")._value.get
    before = errors()
    assert (backlog(setting, sent)(), errors()) == (0, before)


def test_slides_with_a_bag_refused_ones_and_those_that_are_not_to_be_embedded_are_left_alone() -> None:
    setting, sent = Setting(), list[Record]()
    store = setting.store
    setting.embed(remembered(store, "embedded"))
    refuse = routes(setting.embed)[0].rejected
    assert refuse is not None
    refuse(remembered(store, "refused"), EmptyPlanError("no tiles"))
    other = remembered(store, "other-grid")
    other.plan.tile_um = 99.0
    key = f"{keys.landings(CaseId('case-1'))}{digest_of('other-grid')}.json"
    store.put(key, canonical_json(MessageToDict(other, preserving_proto_field_name=True)))
    store.delete(remembered(store, "deleted").slide.object.key)
    remembered(store, "young")
    assert replace(backlog(setting, sent), planned_before=timedelta(hours=1))() == 0
    assert backlog(setting, sent)() == 1
    assert names(sent) == ["young"]


def test_nothing_of_an_erased_case_is_requested() -> None:
    setting, sent = Setting(), list[Record]()
    remembered(setting.store, "S")
    ErasedCases(setting.store).add(CaseId("case-1"))
    assert (backlog(setting, sent)(), sent) == (0, [])


def test_a_request_is_embedded_by_the_worker_of_its_group_alone() -> None:
    setting, bus = Setting(), MemoryBus()
    remembered(setting.store, "S")
    served = routes(setting.embed, GROUP)
    replace(backlog(setting, []), send=bus.producer().send)()
    worker = Worker(GROUP, bus.consumer(GROUP, subscriptions(GROUP, served)), bus.producer(), served)
    with running(worker.run):
        eventually(lambda: bus.records(topics.SLIDES_EMBEDDED))
    (embedded,) = map(decoder(SlideEmbedded), bus.records(topics.SLIDES_EMBEDDED))
    assert (embedded.slide.slide_id, embedded.bag.tiles) == ("S", 10)
    assert setting.keys_below("embeddings/") == ["bag.safetensors", "manifest.json"]


def test_a_plan_of_another_grid_is_passed_over_where_another_group_embeds_it() -> None:
    setting = Setting()
    event = planned(setting.store, tiles=10)
    event.plan.tile_px = 32
    (route,) = routes(setting.embed, GROUP, passes_grids=True)
    (strict,) = routes(setting.embed, GROUP)
    assert list(route.handle(event)) == []
    with pytest.raises(PermanentError, match="takes 16 px") as refused:
        strict.handle(event)
    assert rejected(event, refused.value, GROUP).service == GROUP
