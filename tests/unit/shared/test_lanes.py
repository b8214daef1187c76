"""Lanes decide who is next on a partition and which offsets are safe."""

from shared.bus import headers
from shared.bus.lanes import Lanes, Place
from shared.bus.port import Delivery, Record

HERE = Place("slides.tiled", 0)
THERE = Place("slides.tiled", 1)


def delivery(offset: int, not_before: str = "0", turns: int = 0) -> Delivery:
    attributes = {headers.NOT_BEFORE: not_before, headers.TURN: str(turns)}
    return Delivery(Record("slides.tiled", "case-1", b"", attributes), 0, offset)


def offsets(taken: object) -> list[int]:
    assert isinstance(taken, list)
    return [item.offset for item in taken]


def test_a_partition_at_work_is_not_handed_out_twice() -> None:
    lanes = Lanes(threads=2)
    lanes.add(HERE, [delivery(5)])
    assert offsets(lanes.take(0)[HERE]) == [5]
    lanes.add(HERE, [delivery(6)])
    assert lanes.take(0) == {}
    lanes.done(HERE)
    lanes.rest(HERE)
    assert offsets(lanes.take(0)[HERE]) == [6]


def test_what_is_finished_is_committed_once() -> None:
    lanes = Lanes(threads=2)
    lanes.add(HERE, [delivery(5), delivery(6)])
    lanes.take(0)
    assert lanes.to_commit() == {}
    lanes.done(HERE)
    assert lanes.to_commit() == {HERE: 6}
    lanes.done(HERE)
    lanes.committed({HERE: 6})
    assert lanes.to_commit() == {HERE: 7}
    lanes.committed({HERE: 7})
    assert lanes.to_commit() == {}


def test_an_early_record_holds_its_own_partition_and_no_other() -> None:
    lanes = Lanes(threads=2)
    lanes.add(HERE, [delivery(0), delivery(1, "100.5"), delivery(2)])
    lanes.add(THERE, [delivery(0)])
    taken = lanes.take(100)
    assert offsets(taken[HERE]) == [0]
    assert offsets(taken[THERE]) == [0]
    lanes.done(HERE)
    lanes.rest(HERE)
    assert lanes.take(100.4) == {}
    assert lanes.held() == {HERE, THERE}
    assert offsets(lanes.take(100.5)[HERE]) == [1, 2]


def test_a_revoked_partition_is_forgotten_and_its_work_in_flight_not_committed() -> None:
    lanes = Lanes(threads=2)
    lanes.add(HERE, [delivery(0)])
    lanes.add(THERE, [delivery(0)])
    lanes.take(0)
    lanes.done(THERE)
    lanes.rest(THERE)
    lanes.revoke([HERE, THERE])
    assert lanes.is_revoked(HERE)
    lanes.done(HERE)
    assert lanes.to_commit() == {}
    assert lanes.held() == {HERE}
    lanes.rest(HERE)
    assert lanes.held() == set()


def test_the_first_unfinished_offset_counts_as_behind() -> None:
    lanes = Lanes(threads=2)
    lanes.add(HERE, [delivery(3), delivery(4)])
    lanes.take(0)
    assert lanes.next_offsets() == {HERE: 3}
    lanes.done(HERE)
    assert lanes.next_offsets() == {HERE: 4}


def test_a_malformed_time_does_not_hold_a_record_up() -> None:
    lanes = Lanes(threads=2)
    lanes.add(HERE, [delivery(0, "soon"), delivery(1, "nan")])
    assert offsets(lanes.take(0)[HERE]) == [0, 1]


def test_long_work_leaves_a_handler_free_and_is_never_taken_with_others() -> None:
    lanes = Lanes(threads=2)
    lanes.add(HERE, [delivery(0, turns=1), delivery(1)])
    lanes.add(THERE, [delivery(0), delivery(1), delivery(2, turns=3)])
    taken = lanes.take(0)
    assert {place: offsets(due) for place, due in taken.items()} == {HERE: [0], THERE: [0, 1]}
    for _ in range(2):
        lanes.done(THERE)
    lanes.rest(THERE)
    assert lanes.take(0) == {}, "one of two handlers is at long work"
    lanes.done(HERE)
    lanes.rest(HERE)
    assert {place: offsets(due) for place, due in lanes.take(0).items()} == {HERE: [1], THERE: [2]}


def test_a_single_handler_does_long_work_too() -> None:
    lanes = Lanes(threads=1)
    lanes.add(HERE, [delivery(0, turns=1)])
    assert offsets(lanes.take(0)[HERE]) == [0]
