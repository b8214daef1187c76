"""What every result store does, on SQLite and on PostgreSQL."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medulla.v1.results_pb2 import CaseState

from services.results import case_state, migrate
from services.results.errors import ScoreMismatchError
from services.results.ports import PageMark
from services.results.sql_store import SqlStore
from shared.units import CaseId, Sha256
from tests.support import scores as made
from tests.support.result_stores import Fact, record, tell, withdrawal


def seen(store: SqlStore, case: str) -> object:
    """Everything that can be read of a case, as plain values that name no digest."""
    facts = store.case(CaseId(case))
    assert facts is not None
    versions = {made.digest(f"{case}#{version}"): version for version in "123"}
    kept = [(versions[json.loads(one.body)["score_id"]], one.as_of, one.current) for one in store.scores(CaseId(case))]
    return {
        "updated_at": facts.updated_at,
        "scores": sorted(kept),
        "refused": sorted((one.slide_id, one.reason, one.as_of.seconds) for one in facts.rejections),
        "progress": [(one.slide_id, one.done) for one in facts.progress],
        "standing": [(one.slide_id, one.reason) for one in case_state.standing(facts)],
        "state": CaseState.Name(case_state.summary(facts).state),
    }


def new_case() -> str:
    return f"c-{uuid.uuid4().hex[:12]}"


def test_a_score_that_is_kept_can_be_read_back(store: SqlStore) -> None:
    case = new_case()
    kept = record(case, "1", 5)
    assert tell(store, kept)
    facts = store.case(CaseId(case))
    assert facts is not None
    assert facts.current is not None
    assert (facts.current.body, facts.current.as_of, facts.updated_at) == (kept.body, made.at(5), made.at(5))


def test_an_unknown_case_is_none(store: SqlStore) -> None:
    assert store.case(CaseId("nobody")) is None
    assert store.scores(CaseId("nobody")) == []


def test_telling_twice_is_telling_once(store: SqlStore) -> None:
    case = new_case()
    facts: list[Fact] = [
        record(case, "1", 5),
        made.rejected(case, "B", made.at(2)),
        made.progress(case, "A", 10, made.at(3)),
    ]
    assert [tell(store, fact) for fact in facts] == [True, True, True]
    before = seen(store, case)
    assert [tell(store, fact) for fact in facts] == [False, False, False]
    assert seen(store, case) == before


def test_the_newest_score_is_current_and_the_older_ones_are_kept(store: SqlStore) -> None:
    case = new_case()
    for version, minutes in (("1", 1), ("3", 3), ("2", 2)):
        tell(store, record(case, version, minutes))
    kept = store.scores(CaseId(case))
    assert [(one.as_of, one.current) for one in kept] == [(made.at(3), True), (made.at(2), False), (made.at(1), False)]


@pytest.mark.parametrize("more_first", [True, False])
@pytest.mark.parametrize("versions", ["12", "21"])
def test_of_two_scores_of_one_time_the_one_made_from_more_is_current(
    store: SqlStore, versions: str, more_first: bool
) -> None:
    case = new_case()
    fewer, more = record(case, versions[0], 1, ()), record(case, versions[1], 1, ("A",))
    for one in (more, fewer) if more_first else (fewer, more):
        tell(store, one)
    assert [one.body for one in store.scores(CaseId(case))] == [more.body, fewer.body]


def test_of_two_scores_of_one_time_made_from_as_much_the_higher_id_is_current(store: SqlStore) -> None:
    case = new_case()
    both = [record(case, "1", 1), record(case, "2", 1)]
    for one in both:
        tell(store, one)
    current = store.scores(CaseId(case))[0]
    assert json.loads(current.body)["score_id"] == max(one.score_id for one in both)


def test_a_score_that_is_announced_again_later_becomes_current_again(store: SqlStore) -> None:
    case = new_case()
    first, other, again = record(case, "1", 1), record(case, "2", 2), record(case, "1", 3)
    for one in (first, other, again):
        assert tell(store, one)
    kept = store.scores(CaseId(case))
    assert [(json.loads(one.body)["score_id"], one.current) for one in kept] == [
        (first.score_id, True),
        (other.score_id, False),
    ]


def test_a_withdrawn_case_has_no_current_score_and_keeps_its_older_ones(store: SqlStore) -> None:
    case = new_case()
    facts: list[Fact] = [record(case, "1", 1), withdrawal(case, 2)]
    assert [tell(store, fact) for fact in facts] == [True, True]
    assert [tell(store, fact) for fact in facts] == [False, False]
    found = store.case(CaseId(case))
    assert found is not None
    assert (found.current, found.withdrawn) == (None, facts[1])
    assert [one.current for one in store.scores(CaseId(case))] == [False]


@pytest.mark.parametrize("order", [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
def test_of_scores_and_withdrawals_the_greatest_revision_counts_in_any_order(store: SqlStore, order: list[int]) -> None:
    case = new_case()
    facts: list[Fact] = [record(case, "1", 1), withdrawal(case, 2), record(case, "2", 3)]
    for place in order:
        tell(store, facts[place])
    found = store.case(CaseId(case))
    assert found is not None
    assert found.withdrawn is None
    assert [(one.as_of, one.current) for one in store.scores(CaseId(case))] == [(made.at(3), True), (made.at(1), False)]


def test_what_a_score_was_made_from_is_kept_and_follows_its_last_announcement(store: SqlStore) -> None:
    case, versions = new_case(), [frozenset({("slides/c/a", etag)}) for etag in "12"]
    for minutes, inputs in enumerate(versions, 1):
        tell(store, replace(record(case, "1", minutes), inputs=inputs))
        found = store.case(CaseId(case))
        assert found is not None
        assert found.current is not None
        assert found.current.inputs == inputs


def test_a_refusal_that_is_forgotten_can_be_told_again(store: SqlStore) -> None:
    refused = made.rejected(new_case(), "A", made.at(1))
    refused.object_etag = "v1"
    for _ in range(2):
        assert tell(store, refused)
        found = store.case(CaseId(refused.case_id))
        assert found is not None
        assert found.rejections == [refused]
        store.forget_rejection(refused)


def test_rows_of_an_older_program_are_read_and_its_chain_stays_intact(new_store: Callable[[], SqlStore]) -> None:
    store = new_store()
    store.migrate()
    old: list[Fact] = [record("a", "1", 1), made.rejected("a", "B", made.at(2))]
    for fact in old:
        tell(store, fact)
    migrate.downgrade(store.engine, "0001")
    store.migrate()
    found = store.case(CaseId("a"))
    assert found is not None
    assert found.current is not None
    assert (found.current.inputs, found.rejections, found.withdrawn) == (None, [old[1]], None)
    assert store.verify_chain().intact
    tell(store, withdrawal("a", 3))
    assert (store.verify_chain().intact, store.verify_chain().entries) == (True, 2)


def test_another_text_under_a_known_score_id_is_refused(store: SqlStore) -> None:
    kept = record(new_case(), "1", 1)
    tell(store, kept)
    for minutes in (1, 2):
        forged = replace(kept, body="{}", digest=Sha256(made.digest("{}")), as_of=made.at(minutes))
        with pytest.raises(ScoreMismatchError, match="is kept with digest"):
            tell(store, forged)
    assert store.scores(kept.case_id)[0].body == kept.body


def test_only_the_latest_progress_of_a_slide_is_kept(store: SqlStore) -> None:
    case = new_case()
    for done, minutes in ((10, 1), (30, 3), (20, 2)):
        tell(store, made.progress(case, "A", done, made.at(minutes)))
    facts = store.case(CaseId(case))
    assert facts is not None
    assert [one.done for one in facts.progress] == [30]


def test_a_refusal_with_strange_text_is_kept(store: SqlStore) -> None:
    case = new_case()
    refused = made.rejected(case, "Ü", made.at(1))
    refused.sentence = "'; drop table cases; -- \0 <script>"
    tell(store, refused)
    facts = store.case(CaseId(case))
    assert facts is not None
    assert facts.rejections[0].sentence == "'; drop table cases; -- \N{REPLACEMENT CHARACTER} <script>"


def told(case: str) -> list[Fact]:
    """Facts that contradict each other as much as facts can."""
    return [
        record(case, "1", 1),
        record(case, "2", 2),
        record(case, "3", 2),
        record(case, "1", 3),
        made.rejected(case, "A", made.at(2)),
        made.rejected(case, "A", made.at(4), "no_resolution"),
        made.rejected(case, "", made.at(1)),
        made.progress(case, "A", 10, made.at(1)),
        made.progress(case, "A", 20, made.at(5)),
    ]


def in_any_order(count: int) -> st.SearchStrategy[list[int]]:
    """Places of `count` facts in some order, then some of them again."""
    places = range(count)
    again = st.lists(st.sampled_from(places), max_size=count)
    return st.tuples(st.permutations(places), again).map(lambda both: [*both[0], *both[1]])


@settings(max_examples=30)
@given(order=in_any_order(9))
def test_events_in_any_order_and_any_number_of_times_lead_to_the_same_state(store: SqlStore, order: list[int]) -> None:
    case = new_case()
    facts = told(case)
    for place in order:
        tell(store, facts[place])
    minute = int(made.at(0).timestamp())
    assert seen(store, case) == {
        "updated_at": made.at(5),
        "scores": [("1", made.at(3), True), ("2", made.at(2), False), ("3", made.at(2), False)],
        "refused": [
            ("", "no_tissue", minute + 60),
            ("A", "no_resolution", minute + 240),
            ("A", "no_tissue", minute + 120),
        ],
        "progress": [("A", 20)],
        "standing": [("A", "no_resolution")],
        "state": "CASE_STATE_SCORED",
    }


def test_a_case_scored_again_after_a_deletion_is_the_most_recently_changed(store: SqlStore) -> None:
    case = new_case()
    tell(store, record(case, "1", 5))
    later = record(case, "2", 9)
    tell(store, replace(record(case, "2", 2), revision=later.revision))
    facts = store.case(CaseId(case))
    assert facts is not None
    assert facts.current is not None
    assert (facts.current.as_of, facts.updated_at) == (made.at(2), made.at(9))


@settings(max_examples=20)
@given(sizes=st.lists(st.integers(min_value=1, max_value=5), min_size=30, max_size=30))
def test_pages_of_any_size_show_every_case_once_in_order(paged: SqlStore, sizes: list[int]) -> None:
    found, after = [], None
    for size in sizes:
        page = paged.cases(size, after)
        if not page:
            break
        found += page
        after = PageMark(page[-1].updated_at, page[-1].case_id)
    assert [one.case_id for one in found] == [f"p-{n:02}" for n in (*range(20, 24), *range(20))]


@pytest.fixture(scope="module")
def paged(new_store: Callable[[], SqlStore]) -> SqlStore:
    """24 cases; the last four are newer than the rest, which share one time."""
    made_here = new_store()
    made_here.migrate()
    for n in range(24):
        tell(made_here, made.rejected(f"p-{n:02}", "A", made.at(n // 20)))
    return made_here


def test_activity_tells_recent_progress_and_which_cases_have_news(fresh: SqlStore) -> None:
    tell(fresh, made.progress("busy", "A", 1, made.at(9)))
    tell(fresh, made.progress("idle", "A", 1, made.at(1)))
    before = fresh.activity(made.at(5))
    assert [one.case_id for one in before.progress] == ["busy"]
    tell(fresh, record("busy", "1", 2))
    after = fresh.activity(made.at(5)).revisions
    assert after["busy"] > before.revisions["busy"]
    assert after["idle"] == before.revisions["idle"]


def test_times_come_back_as_they_went_in(store: SqlStore) -> None:
    case = new_case()
    odd = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=-7)))
    kept = replace(record(case, "1", 1), as_of=odd)
    tell(store, kept)
    assert store.scores(CaseId(case))[0].as_of == odd
    assert tell(store, kept) is False
