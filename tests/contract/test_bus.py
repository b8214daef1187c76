"""What every bus does, the one in memory and Kafka alike."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from threading import Barrier, Event, Lock

import pytest

from shared.bus import headers
from shared.bus.port import LARGEST_BYTES, Delivery, Record, RecordTooLargeError
from tests.support.bus import Recorder, Running, consume, running
from tests.support.bus_kinds import BusKind, KafkaKind, MemoryKind
from tests.support.polling import PATIENCE_S, wait_for

SECONDS_OF_2024, SECONDS_OF_2100 = 1_704_067_200, 4_102_444_800


@pytest.fixture(params=["memory", "kafka"])
def bus(request: pytest.FixtureRequest) -> Iterator[BusKind]:
    kind = MemoryKind() if request.param == "memory" else KafkaKind(request.getfixturevalue("kafka").bootstrap)
    yield kind
    kind.close()


def numbered(topic: str, count: int, keys: int = 7) -> list[Record]:
    return [Record(topic, f"case-{n % keys}", str(n).encode(), {"n": str(n)}) for n in range(count)]


def test_records_arrive_as_they_were_sent(bus: BusKind) -> None:
    topic, recorder = bus.topic(), Recorder()
    sent = Record(topic, "case-ä\udcff", b"\x00\xff", {"ce_id": "ü", "empty": "", "odd": "\udcfe"})
    bus.producer().send([sent, Record(topic, "", b"")])
    with running(consume(bus.consumer("group", [topic]), recorder)):
        received = [delivery.record for delivery in recorder.wait_for(2)]
    assert sorted(received, key=lambda record: record.key) == [Record(topic, "", b""), sent]


def test_deliveries_say_where_and_when_they_were_written(bus: BusKind) -> None:
    topic, recorder = bus.topic(), Recorder()
    bus.producer().send(numbered(topic, 3, keys=1))
    with running(consume(bus.consumer("group", [topic]), recorder)):
        received = recorder.wait_for(3)
    assert [delivery.offset for delivery in received] == [0, 1, 2]
    assert all(delivery.origin == f"{topic}/{delivery.partition}/{delivery.offset}" for delivery in received)
    assert all(SECONDS_OF_2024 < delivery.written_at < SECONDS_OF_2100 for delivery in received)


def test_records_of_one_key_keep_their_order(bus: BusKind) -> None:
    topic, recorder = bus.topic(), Recorder()
    bus.producer().send(numbered(topic, 60))
    with running(consume(bus.consumer("group", [topic]), recorder)):
        received = [delivery.record for delivery in recorder.wait_for(60)]
    for key in {record.key for record in received}:
        numbers = [int(record.headers["n"]) for record in received if record.key == key]
        assert numbers == sorted(numbers)


def test_one_delivery_a_partition_is_at_work_while_partitions_run_side_by_side(bus: BusKind) -> None:
    topic, recorder, together = bus.topic(), Recorder(), Barrier(2)
    at_work: Counter[int] = Counter()
    most: dict[int, int] = defaultdict(int)
    lock = Lock()

    def handle(delivery: Delivery) -> None:
        with lock:
            at_work[delivery.partition] += 1
            most[delivery.partition] = max(most[delivery.partition], at_work[delivery.partition])
        if delivery.offset == 0 and delivery.partition != 0:
            together.wait(PATIENCE_S)
        with lock:
            at_work[delivery.partition] -= 1
        recorder(delivery)

    bus.producer().send(numbered(topic, 60, keys=30))
    with running(consume(bus.consumer("group", [topic]), handle)):
        recorder.wait_for(60)
    assert dict(most) == {0: 1, 1: 1, 2: 1}
    assert not together.broken


def test_what_a_crashed_handler_left_comes_again_and_what_was_done_does_not(bus: BusKind) -> None:
    topic, first, second = bus.topic(), Recorder(), Recorder()

    def crash(delivery: Delivery) -> None:
        if delivery.offset == 2:
            raise RuntimeError("boom")
        first(delivery)

    bus.producer().send(numbered(topic, 5, keys=1))
    assert str(Running(consume(bus.consumer("group", [topic]), crash)).join()) == "boom"
    with running(consume(bus.consumer("group", [topic]), second)):
        second.wait_for(3)
    assert [delivery.offset for delivery in first.deliveries] == [0, 1]
    assert [delivery.offset for delivery in second.deliveries] == [2, 3, 4]


def test_a_delayed_record_waits_for_its_time_and_holds_up_no_other_topic(bus: BusKind) -> None:
    topic, later, recorder, producer = bus.topic(), bus.topic("retry"), Recorder(), bus.producer()

    def handle(delivery: Delivery) -> None:
        recorder(delivery)
        if delivery.record.value == b"delayed":
            producer.send([Record(later, "case-1", b"sent after it")])

    with running(consume(bus.consumer("group", [topic, later]), handle)):
        producer.send([Record(topic, "case-1", b"first")])
        (first,) = recorder.wait_for(1)
        due = round(first.written_at + 2, 3)
        delayed = Record(later, "case-1", b"delayed", {headers.NOT_BEFORE: f"{due:.3f}"})
        producer.send([delayed, Record(topic, "case-1", b"prompt"), Record(later, "case-1", b"behind")])
        deliveries = recorder.wait_for(5)
    values = [delivery.record.value for delivery in deliveries]
    assert values == [b"first", b"prompt", b"delayed", b"behind", b"sent after it"]
    assert deliveries[-1].written_at >= due


def test_a_record_that_says_to_wait_for_ever_is_handed_out_and_holds_nothing_up(bus: BusKind) -> None:
    later, recorder = bus.topic("retry"), Recorder()
    odd = Record(later, "case-1", b"odd", {headers.NOT_BEFORE: "1e300"})
    bus.producer().send([odd, Record(later, "case-1", b"behind")])
    with running(consume(bus.consumer("group", [later]), recorder)):
        deliveries = recorder.wait_for(2)
    assert [delivery.record.value for delivery in deliveries] == [b"odd", b"behind"]


def test_long_work_on_every_partition_leaves_a_handler_for_other_records(bus: BusKind) -> None:
    later, topic, recorder, release = bus.topic("retry"), bus.topic(), Recorder(), Event()
    long = [Record(later, f"case-{n}", b"long", {headers.TURN: "1"}) for n in range(30)]
    bus.producer().send(long)

    def handle(delivery: Delivery) -> None:
        recorder(delivery)
        if delivery.record.value == b"long":
            release.wait(PATIENCE_S)

    with running(consume(bus.consumer("group", [topic, later]), handle)):
        recorder.wait_for(2)
        bus.producer().send(numbered(topic, 9))
        prompt = recorder.wait_for(11)
        release.set()
        recorder.wait_for(39)
    assert sum(delivery.record.topic == topic for delivery in prompt) == 9


def test_no_record_of_a_background_topic_begins_while_others_are_due(bus: BusKind) -> None:
    topic, recorder, release = bus.topic(), Recorder(), Event()
    background = f"{topic}.background"
    bus.ensure(background)
    bus.producer().send(numbered(background, 60, keys=30))

    def handle(delivery: Delivery) -> None:
        recorder(delivery)
        if delivery.record.topic == background:
            assert release.wait(PATIENCE_S)

    with running(consume(bus.consumer("group", [topic, background]), handle)):
        recorder.wait_for(1)
        bus.producer().send(numbered(topic, 9))
        assert wait_for(lambda: _count(recorder, topic) == 9, PATIENCE_S)
        begun = _count(recorder, background)
        release.set()
        recorder.wait_for(69)
    assert 1 <= begun <= 3, "those at work before; one handler at least is free"


def _count(recorder: Recorder, topic: str) -> int:
    return sum(delivery.record.topic == topic for delivery in recorder.deliveries)


def test_a_stopped_consumer_finishes_and_commits_what_is_in_flight(bus: BusKind) -> None:
    topic, started, finish, second = bus.topic(), Event(), Event(), Recorder()

    def handle(_: Delivery) -> None:
        started.set()
        assert finish.wait(PATIENCE_S)

    bus.producer().send(numbered(topic, 2, keys=1))
    consumer = Running(consume(bus.consumer("group", [topic]), handle))
    assert started.wait(PATIENCE_S)
    consumer.stop.set()
    finish.set()
    assert consumer.join() is None
    with running(consume(bus.consumer("group", [topic]), second)):
        assert [delivery.offset for delivery in second.wait_for(1)] == [1]


def test_groups_read_everything_and_members_of_one_group_share(bus: BusKind) -> None:
    topic, shared, alone = bus.topic(), Recorder(), Recorder()
    bus.producer().send(numbered(topic, 30))
    members = [consume(bus.consumer("sharers", [topic]), shared) for _ in range(2)]
    with running(members[0]), running(members[1]), running(consume(bus.consumer("loner", [topic]), alone)):
        assert len({delivery.origin for delivery in alone.wait_for(30)}) == 30
        received = shared.wait_for(30)
    assert {delivery.origin for delivery in received} == {delivery.origin for delivery in alone.deliveries}


def test_a_stopped_consumer_can_be_run_again(bus: BusKind) -> None:
    topic, recorder = bus.topic(), Recorder()
    consumer = bus.consumer("group", [topic])
    for round_ in range(2):
        bus.producer().send([Record(topic, "case-1", str(round_).encode())])
        with running(consume(consumer, recorder)):
            recorder.wait_for(round_ + 1)
    assert [delivery.record.value for delivery in recorder.deliveries] == [b"0", b"1"]


def test_a_record_that_is_too_large_is_refused_for_good_and_the_producer_goes_on(bus: BusKind) -> None:
    topic, recorder, producer = bus.topic(), Recorder(), bus.producer()
    with pytest.raises(RecordTooLargeError, match=topic):
        producer.send([Record(topic, "k", b"x" * LARGEST_BYTES)])
    producer.send([Record(topic, "k", b"small")])
    with running(consume(bus.consumer("group", [topic]), recorder)):
        assert [delivery.record.value for delivery in recorder.wait_for(1)] == [b"small"]
