"""The bus in memory, where it differs from Kafka: it can be looked into."""

from shared.bus.memory import MemoryBus
from shared.bus.port import Record
from tests.support.bus import Recorder, consume, running
from tests.support.polling import eventually


def test_a_later_group_starts_at_the_beginning() -> None:
    bus, recorder = MemoryBus(), Recorder()
    bus.producer().send([Record("t", "k", b"1")])
    with running(consume(bus.consumer("late", ["t"]), recorder)):
        (delivery,) = recorder.wait_for(1)
    assert delivery.record.value == b"1"


def test_lag_counts_what_a_group_has_not_finished() -> None:
    bus, recorder = MemoryBus(), Recorder()
    bus.producer().send([Record("t", f"k{n}", b"") for n in range(9)])
    assert bus.lag("group", ["t"]) == 9
    with running(consume(bus.consumer("group", ["t"]), recorder)):
        eventually(lambda: bus.lag("group", ["t"]) == 0)
    assert bus.lag("other", ["t"]) == 9


def test_records_shows_what_was_sent_even_before_its_time() -> None:
    bus = MemoryBus(partitions=1)
    sent = [Record("t", "k", str(n).encode(), {"medulla-not-before": "9e9"}) for n in range(3)]
    bus.producer().send(sent)
    assert bus.records("t") == sent
