"""What `medulla up` prints of refusals."""

from medulla.v1.common_pb2 import Plan, Slide, StoredObject
from medulla.v1.events_pb2 import SlideTiled

from services.embedder.errors import TooManyCorruptTilesError
from services.embedder.events import rejected
from services.standalone.printed_refusals import PrintedRefusals
from shared.bus.dead_letters import to_dead_letter
from shared.bus.events import to_record
from shared.bus.memory import MemoryBus
from shared.bus.port import Delivery, Record

_SLIDE, _PLAN = "a" * 64, "b" * 64


def _refusal(version: str) -> list[Record]:
    """What the embedder publishes of a slide with corrupt tiles."""
    stored = StoredObject(key="slides/C-1/a.svs", etag=version)
    slide = Slide(case_id="C-1", slide_id="a.svs", digest=_SLIDE, object=stored)
    event = SlideTiled(event_id=version, slide=slide, plan=Plan(digest=_PLAN, prefix=f"plans/{_SLIDE}/{_PLAN}/"))
    error = TooManyCorruptTilesError("38 or more of 38 tiles are corrupt")
    letter = to_dead_letter(Delivery(to_record(event, "tiler"), 0, 0, 0.0), error, "embedder")
    return [to_record(rejected(event, error), "embedder"), letter]


def test_a_refusal_is_printed_once_a_version_and_names_the_file() -> None:
    printed: list[str] = []
    refusals = PrintedRefusals(MemoryBus(), "medulla", lambda _: True, printed.append)
    for record in [*_refusal("one") * 8, *_refusal("two")]:
        refusals.on_delivery(Delivery(record, 0, 0, 0.0))
    assert len(printed) == 2
    assert all(line.startswith("Refused slides/C-1/a.svs: 38 or more of 38 tiles are corrupt") for line in printed)


def test_a_record_that_nothing_else_has_is_printed_from_its_dead_letter() -> None:
    printed: list[str] = []
    delivery = Delivery(Record("cases.scored", "C-1", b"", {}), 0, 7, 0.0)
    letter = to_dead_letter(delivery, TooManyCorruptTilesError("no score"), "results")
    PrintedRefusals(MemoryBus(), "medulla", lambda _: True, printed.append).on_delivery(Delivery(letter, 0, 0, 0.0))
    assert [line.partition(":")[0] for line in printed] == ["Refused C-1"]


def test_the_refusal_of_a_version_that_is_gone_is_not_printed() -> None:
    printed: list[str] = []
    refusals = PrintedRefusals(MemoryBus(), "medulla", lambda each: each.object_etag == "two", printed.append)
    for record in [*_refusal("one"), *_refusal("two")]:
        refusals.on_delivery(Delivery(record, 0, 0, 0.0))
    assert len(printed) == 1
