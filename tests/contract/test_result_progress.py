"""Which progress every result store shows: what is true now, and no stage that is over."""

from services.results.sql_store import SqlStore
from shared.units import CaseId
from tests.support import scores as samples
from tests.support.result_stores import Fact, apply, record, withdrawal


def moving(store: SqlStore) -> list[tuple[str, str]]:
    return [(each.case_id, each.slide_id) for each in store.activity(samples.at(0)).progress]


def test_progress_of_a_slide_is_over_when_its_score_is_stored(fresh: SqlStore) -> None:
    apply(fresh, samples.progress("c", "A", 400, samples.at(5)))
    apply(fresh, samples.progress("c", "B", 10, samples.at(5)))
    assert moving(fresh) == [("c", "A"), ("c", "B")]
    apply(fresh, record("c", "1", 1, ("A",)))
    assert moving(fresh) == [("c", "B")]


def test_late_progress_of_a_scored_slide_stays_over_and_that_of_its_next_version_is_shown(fresh: SqlStore) -> None:
    apply(fresh, record("c", "1", 1, ("A",)))
    apply(fresh, samples.progress("c", "A", 400, samples.at(59)))
    assert moving(fresh) == []
    apply(fresh, samples.progress("c", "A", 1, samples.at(62)))
    assert moving(fresh) == [("c", "A")]


def test_progress_of_a_scored_slide_that_a_further_encoder_embeds_ends_with_the_last_tile(fresh: SqlStore) -> None:
    apply(fresh, record("c", "1", 1, ("A",)))
    apply(fresh, samples.progress("c", "A", 399, samples.at(62)))
    assert moving(fresh) == [("c", "A")]
    apply(fresh, samples.progress("c", "A", 400, samples.at(63)))
    assert moving(fresh) == []


def test_progress_of_refused_and_withdrawn_slides_is_over(fresh: SqlStore) -> None:
    facts: list[Fact] = [
        samples.progress("refused", "A", 1, samples.at(5)),
        samples.rejected("refused", "A", samples.at(1)),
        samples.progress("withdrawn", "A", 1, samples.at(5)),
        withdrawal("withdrawn", 6),
        samples.progress("erased", "A", 1, samples.at(5)),
    ]
    for fact in facts:
        apply(fresh, fact)
    assert moving(fresh) == [("erased", "A")]
    fresh.erase(CaseId("erased"))
    assert moving(fresh) == []


def test_the_trace_of_the_latest_progress_is_kept_by_slide(fresh: SqlStore) -> None:
    later, earlier = "0af7651916cd43dd8448eb211c80319c", "4bf92f3577b34da6a3ce929d0e0e4736"
    fresh.record_progress(samples.progress("c", "A", 40, samples.at(5)), earlier)
    fresh.record_progress(samples.progress("c", "A", 80, samples.at(6)), later)
    fresh.record_progress(samples.progress("c", "A", 1, samples.at(4)), earlier)
    fresh.record_progress(samples.progress("c", "B", 1, samples.at(5)))
    facts = fresh.case(CaseId("c"))
    assert facts is not None
    assert facts.traces == {"A": later}
    assert [each.slide_id for each in facts.progress] == ["A", "B"]
