"""What a publisher does when the bus refuses records or is down."""

from collections.abc import Sequence
from threading import Event

import pytest

from shared.bus import topics
from shared.bus.dead_letters import read, to_dead_letter
from shared.bus.port import Delivery, Record, RecordTooLargeError
from shared.errors import TransientError
from shared.publisher import Publisher
from tests.support.worker_bench import NoTissueError

_RECORD = Record(topics.SLIDES_TILED, "case-1", b"x" * 100)
_LETTER = to_dead_letter(Delivery(_RECORD, 0, 0), NoTissueError("none"), "tiler")


class SmallBus:
    """Takes records with values of at most 10 bytes."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def send(self, records: Sequence[Record]) -> None:
        if any(len(record.value) > 10 for record in records):
            raise RecordTooLargeError("too large")
        self.records.extend(records)


class BusThatIsDown:
    def send(self, records: Sequence[Record]) -> None:
        raise TransientError(f"broker is down; {len(records)} records are left")


def test_a_dead_letter_that_the_bus_refuses_is_published_without_the_original() -> None:
    bus = SmallBus()
    Publisher(bus).publish_letters([_LETTER], Event())
    (letter,) = map(read, bus.records)
    assert (letter.reason, letter.sentence, letter.value) == ("no_tissue", "none", b"")


def test_a_result_that_the_bus_refuses_is_left_to_the_caller() -> None:
    bus = SmallBus()
    with pytest.raises(RecordTooLargeError):
        Publisher(bus).publish([_RECORD], Event())
    assert not bus.records


def test_a_stop_while_the_bus_is_down_leaves_the_results_unpublished() -> None:
    stop = Event()
    stop.set()
    with pytest.raises(TransientError, match="1 records are left"):
        Publisher(BusThatIsDown()).publish([_RECORD], stop)
