"""Partition queues decide which delivery is next and which offsets may be committed."""

from shared.bus import headers
from shared.bus.partition_queues import Partition, PartitionQueues
from shared.bus.port import Delivery, Record

HERE = Partition("slides.tiled", 0)
THERE = Partition("slides.tiled", 1)


def delivery(offset: int, not_before: str = "0", turns: int = 0) -> Delivery:
    attributes = {headers.NOT_BEFORE: not_before, headers.TURN: str(turns)}
    return Delivery(Record("slides.tiled", "case-1", b"", attributes), 0, offset)


def offsets(taken: object) -> list[int]:
    assert isinstance(taken, list)
    return [item.offset for item in taken]


def test_a_partition_at_work_is_not_handed_out_twice() -> None:
    queues = PartitionQueues(threads=2)
    queues.add(HERE, [delivery(5)])
    assert offsets(queues.take(0)[HERE]) == [5]
    queues.add(HERE, [delivery(6)])
    assert queues.take(0) == {}
    queues.done(HERE)
    queues.rest(HERE)
    assert offsets(queues.take(0)[HERE]) == [6]


def test_what_is_finished_is_committed_once() -> None:
    queues = PartitionQueues(threads=2)
    queues.add(HERE, [delivery(5), delivery(6)])
    queues.take(0)
    assert queues.to_commit() == {}
    queues.done(HERE)
    assert queues.to_commit() == {HERE: 6}
    queues.done(HERE)
    queues.committed({HERE: 6})
    assert queues.to_commit() == {HERE: 7}
    queues.committed({HERE: 7})
    assert queues.to_commit() == {}


def test_an_early_record_holds_its_own_partition_and_no_other() -> None:
    queues = PartitionQueues(threads=2)
    queues.add(HERE, [delivery(0), delivery(1, "100.5"), delivery(2)])
    queues.add(THERE, [delivery(0)])
    taken = queues.take(100)
    assert offsets(taken[HERE]) == [0]
    assert offsets(taken[THERE]) == [0]
    queues.done(HERE)
    queues.rest(HERE)
    assert queues.take(100.4) == {}
    assert queues.held() == {HERE, THERE}
    assert offsets(queues.take(100.5)[HERE]) == [1, 2]


def test_a_revoked_partition_is_forgotten_and_its_work_in_flight_not_committed() -> None:
    queues = PartitionQueues(threads=2)
    queues.add(HERE, [delivery(0)])
    queues.add(THERE, [delivery(0)])
    queues.take(0)
    queues.done(THERE)
    queues.rest(THERE)
    queues.revoke([HERE, THERE])
    assert queues.is_revoked(HERE)
    queues.done(HERE)
    assert queues.to_commit() == {}
    assert queues.held() == {HERE}
    queues.rest(HERE)
    assert queues.held() == set()


def test_the_first_unfinished_offset_counts_as_behind() -> None:
    queues = PartitionQueues(threads=2)
    queues.add(HERE, [delivery(3), delivery(4)])
    queues.take(0)
    assert queues.next_offsets() == {HERE: 3}
    queues.done(HERE)
    assert queues.next_offsets() == {HERE: 4}


def test_a_malformed_time_does_not_hold_a_record_up() -> None:
    queues = PartitionQueues(threads=2)
    queues.add(HERE, [delivery(0, "soon"), delivery(1, "nan")])
    assert offsets(queues.take(0)[HERE]) == [0, 1]


def test_long_work_leaves_a_thread_free_and_is_never_taken_with_others() -> None:
    queues = PartitionQueues(threads=2)
    queues.add(HERE, [delivery(0, turns=1), delivery(1)])
    queues.add(THERE, [delivery(0), delivery(1), delivery(2, turns=3)])
    taken = queues.take(0)
    assert {partition: offsets(due) for partition, due in taken.items()} == {HERE: [0], THERE: [0, 1]}
    for _ in range(2):
        queues.done(THERE)
    queues.rest(THERE)
    assert queues.take(0) == {}, "one of two threads is at long work"
    queues.done(HERE)
    queues.rest(HERE)
    assert {partition: offsets(due) for partition, due in queues.take(0).items()} == {HERE: [1], THERE: [2]}


def test_a_single_thread_does_long_work_too() -> None:
    queues = PartitionQueues(threads=1)
    queues.add(HERE, [delivery(0, turns=1)])
    assert offsets(queues.take(0)[HERE]) == [0]


def test_long_records_of_all_partitions_take_turns() -> None:
    queues = PartitionQueues(threads=2)
    for partition in (HERE, THERE):
        queues.add(partition, [delivery(0, turns=1), delivery(1, turns=1)])
    taken = []
    for _ in range(4):
        (partition,) = queues.take(0)
        taken.append(partition)
        queues.done(partition)
        queues.rest(partition)
    assert taken == [HERE, THERE, HERE, THERE]


def test_a_background_topic_waits_while_another_has_a_record_at_work_or_due() -> None:
    queues, background = PartitionQueues(threads=3), Partition("cases.background", 0)
    queues.add(background, [background_delivery(0), background_delivery(1)])
    queues.add(HERE, [delivery(0), delivery(1, "100")])
    assert list(queues.take(0)) == [HERE]
    queues.done(HERE)
    queues.rest(HERE)
    assert {partition: len(due) for partition, due in queues.take(0).items()} == {background: 2}
    assert not queues.gives_way(background, 99)
    assert queues.gives_way(background, 100)
    queues.take(100)
    assert queues.gives_way(background, 100)


def test_background_topics_leave_a_handler_free() -> None:
    queues = PartitionQueues(threads=2)
    for number in range(3):
        queues.add(Partition("cases.background", number), [background_delivery(0)])
    assert len(queues.take(0)) == 1


def background_delivery(offset: int) -> Delivery:
    return Delivery(Record("cases.background", "case-1", b""), 0, offset)
