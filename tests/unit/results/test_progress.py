"""Those who watch see what moves, once, and never more of them than allowed."""

from collections.abc import Collection, Iterator
from datetime import datetime
from urllib.request import urlopen

import pytest

from services.results import sql_reads
from services.results.errors import TooManyWatchersError
from services.results.ports import Activity, NoteRecord
from services.results.progress_feed import Feed, changes
from shared.canonical import sha256
from shared.units import CaseId
from tests.support import scores as samples
from tests.support.results import Results, over_http


class Counting:
    """A store that counts how often it is looked at."""

    def __init__(self, results: Results) -> None:
        self.store, self.looks = results.store, 0

    def activity(self, since: datetime, watched: Collection[str]) -> Activity:
        self.looks += 1
        return self.store.activity(since, watched)


def events(address: str, query: str = "") -> Iterator[str]:
    """Blocks of the stream, without the first, as they come."""
    with urlopen(f"{address}/api/v1/progress{query}", timeout=10) as response:  # noqa: S310 - a test's own address
        assert response.headers["content-type"].startswith("text/event-stream")
        block = ""
        for line in response:
            block += line.decode()
            if block.endswith("\n\n"):
                yield block.strip()
                block = ""


def test_only_what_is_new_is_a_change() -> None:
    a, b, later = (samples.progress("c", s, n, samples.at(n)) for s, n in (("A", 1), ("B", 1), ("A", 2)))
    before, now = Activity([a, b], {"c": 1, "d": 1}), Activity([later, b], {"c": 2, "d": 1, "e": 1})
    assert changes(before, now).progress == (later,)
    assert changes(before, now).cases == ("c", "e")
    assert changes(before, now, "d") == changes(now, now)


def test_a_watched_case_that_is_erased_has_changed() -> None:
    before, now = (Activity([], cases, watched=cases) for cases in ({"c": 1, "d": 1}, {"d": 1}))
    assert changes(before, now, "c").cases == ("c",)
    assert changes(before, now, "d").cases == ()
    assert changes(before, now).cases == ()


def test_a_watched_case_is_heard_of_however_many_cases_changed_since(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_reads, "_NEWEST_CASES", 1)
    results.score(samples.score("MB-1"), minutes=1)
    results.score(samples.score("MB-2"), minutes=2)
    feed = Feed(results.store, every_s=0)
    with feed.watch() as every, feed.watch("MB-1") as case:
        assert (every().cases, case().cases) == ((), ())
        results.store.record_note(NoteRecord(CaseId("MB-1"), "n", "{}", sha256(b"{}"), samples.at(3)))
        assert case().cases == ("MB-1",)
        assert case().cases == ()
        results.store.erase(CaseId("MB-1"))
        assert case().cases == ("MB-1",)
        assert every().cases == ()


def test_those_who_watch_all_cases_hear_of_every_erasure_by_digest(results: Results) -> None:
    results.score(samples.score("MB-1"))
    results.store.record_rejection(samples.rejected("MB-2", "A", samples.at(2)))
    feed = Feed(results.store, every_s=0)
    with feed.watch() as every, feed.watch("MB-1") as case:
        assert (every().erased, case().erased) == ((), ())
        for name in ("MB-1", "MB-2", "nobody"):
            results.store.erase(CaseId(name))
        assert every().erased == tuple(sorted(sha256(name) for name in (b"MB-1", b"MB-2")))
        assert (every().erased, case().erased) == ((), ())
        results.score(samples.score("MB-1"))
        results.store.erase(CaseId("MB-1"))
        assert every().erased == (sha256(b"MB-1"),)
    with feed.watch() as late:
        assert len(late().erased) == 2


def test_progress_that_is_not_listed_any_more_is_over() -> None:
    a, b = (samples.progress(case, "A", 1, samples.at(1)) for case in "cd")
    before, now = Activity([a, b], {}), Activity([b], {})
    assert changes(before, now).over == (("c", "A"),)
    assert changes(before, now, "d").over == ()


def test_a_stream_that_begins_after_the_score_tells_no_old_stage(results: Results) -> None:
    results.store.record_progress(samples.progress("MB-1", "A", 400, samples.at(9)))
    with over_http(results) as address:
        early = events(address)
        assert '"done": 400' in next(block for block in early if "progress" in block)
        results.score(samples.score("MB-1", slides=("A",)))
        assert 'event: over\ndata: {"case_id": "MB-1", "slide_id": "A"}' in next(b for b in early if "over" in b)
        late = events(address)
        assert [next(late), next(late)] == ["retry: 3000", ": beat"]


def test_many_watchers_look_at_the_database_once(results: Results) -> None:
    counting = Counting(results)
    feed = Feed(counting, every_s=60)
    with feed.watch() as first, feed.watch() as second:
        first()
        second()
    assert counting.looks == 1


def test_more_watchers_than_allowed_are_turned_away(results: Results) -> None:
    feed = Feed(results.store, largest=1)
    with feed.watch(), pytest.raises(TooManyWatchersError), feed.watch():
        pass
    with feed.watch():
        pass


def test_a_watcher_sees_what_moves_and_then_every_change(results: Results) -> None:
    results.store.record_progress(samples.progress("MB-1", "A", 1, samples.at(9)))
    with over_http(results) as address:
        stream = events(address)
        assert next(stream).startswith("retry:")
        assert '"done": 1' in next(stream)
        results.store.record_progress(samples.progress("MB-1", "A", 2, samples.at(9.5)))
        assert '"done": 2' in next(block for block in stream if "progress" in block)
        results.score(samples.score("MB-1"))
        assert next(block for block in stream if not block.startswith(":")) == 'event: case\ndata: {"case_id": "MB-1"}'


def test_a_quiet_stream_beats(results: Results) -> None:
    with over_http(results) as address:
        stream = events(address)
        assert [next(stream), next(stream)] == ["retry: 3000", ": beat"]


def test_a_watcher_of_one_case_hears_of_no_other(results: Results) -> None:
    with over_http(results) as address:
        stream = events(address, "?case_id=MB-1")
        next(stream)
        results.store.record_progress(samples.progress("MB-2", "A", 1, samples.at(9)))
        results.store.record_progress(samples.progress("MB-1", "A", 7, samples.at(9)))
        assert '"case_id": "MB-1"' in next(block for block in stream if not block.startswith(":"))


def test_places_of_watchers_who_left_are_free_again(results: Results) -> None:
    with over_http(results) as address:
        beats = [next(block for block in events(address) if block == ": beat") for _ in range(8)]
    assert len(beats) == 8


def test_a_server_that_ends_lets_its_watchers_go(results: Results) -> None:
    with over_http(results) as address:
        stream = events(address)
        next(stream)
    assert all(block.startswith(":") for block in stream)
