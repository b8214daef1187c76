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
from services.results.sql_store import SqlStore
from shared.units import CaseId, Sha256
from tests.support import scores as samples
from tests.support.result_stores import Fact, apply, record, withdrawal


def stored_scores(store: SqlStore, case: str) -> object:
    """Everything that can be read of a case, as plain values that name no digest."""
    facts = store.case(CaseId(case))
    assert facts is not None
    versions = {samples.digest(f"{case}#{version}"): version for version in "123"}
    kept = [
        (versions[json.loads(score.body)["score_id"]], score.as_of, score.current)
        for score in store.scores(CaseId(case))
    ]
    return {
        "updated_at": facts.updated_at,
        "scores": sorted(kept),
        "refused": sorted((each.slide_id, each.reason, each.as_of.seconds) for each in facts.rejections),
        "progress": [(each.slide_id, each.done) for each in facts.progress],
        "open": [(each.slide_id, each.reason) for each in case_state.open_rejections(facts)],
        "state": CaseState.Name(case_state.summary(facts).state),
    }


def new_case() -> str:
    return f"c-{uuid.uuid4().hex[:12]}"


def test_a_score_that_is_kept_can_be_read_back(store: SqlStore) -> None:
    case = new_case()
    kept = record(case, "1", 5)
    assert apply(store, kept)
    facts = store.case(CaseId(case))
    assert facts is not None
    assert facts.current is not None
    assert (facts.current.body, facts.current.as_of, facts.updated_at) == (kept.body, samples.at(5), samples.at(5))


def test_an_unknown_case_is_none(store: SqlStore) -> None:
    assert store.case(CaseId("nobody")) is None
    assert store.scores(CaseId("nobody")) == []


def test_telling_twice_is_telling_once(store: SqlStore) -> None:
    case = new_case()
    facts: list[Fact] = [
        record(case, "1", 5),
        samples.rejected(case, "B", samples.at(2)),
        samples.progress(case, "A", 10, samples.at(3)),
    ]
    assert [apply(store, fact) for fact in facts] == [True, True, True]
    before = stored_scores(store, case)
    assert [apply(store, fact) for fact in facts] == [False, False, False]
    assert stored_scores(store, case) == before


def test_the_newest_score_is_current_and_the_older_ones_are_kept(store: SqlStore) -> None:
    case = new_case()
    for version, minutes in (("1", 1), ("3", 3), ("2", 2)):
        apply(store, record(case, version, minutes))
    kept = store.scores(CaseId(case))
    assert [(score.as_of, score.current) for score in kept] == [
        (samples.at(3), True),
        (samples.at(2), False),
        (samples.at(1), False),
    ]


@pytest.mark.parametrize("more_first", [True, False])
@pytest.mark.parametrize("versions", ["12", "21"])
def test_of_two_scores_of_one_time_the_one_made_from_more_is_current(
    store: SqlStore, versions: str, more_first: bool
) -> None:
    case = new_case()
    fewer, more = record(case, versions[0], 1, ()), record(case, versions[1], 1, ("A",))
    for score in (more, fewer) if more_first else (fewer, more):
        apply(store, score)
    assert [score.body for score in store.scores(CaseId(case))] == [more.body, fewer.body]


def test_of_two_scores_of_one_time_made_from_as_much_the_higher_id_is_current(store: SqlStore) -> None:
    case = new_case()
    both = [record(case, "1", 1), record(case, "2", 1)]
    for score in both:
        apply(store, score)
    current = store.scores(CaseId(case))[0]
    assert json.loads(current.body)["score_id"] == max(score.score_id for score in both)


def test_a_score_that_is_announced_again_later_becomes_current_again(store: SqlStore) -> None:
    case = new_case()
    first, other, again = record(case, "1", 1), record(case, "2", 2), record(case, "1", 3)
    for score in (first, other, again):
        assert apply(store, score)
    kept = store.scores(CaseId(case))
    assert [(json.loads(score.body)["score_id"], score.current) for score in kept] == [
        (first.score_id, True),
        (other.score_id, False),
    ]


def test_a_withdrawn_case_has_no_current_score_and_keeps_its_older_ones(store: SqlStore) -> None:
    case = new_case()
    facts: list[Fact] = [record(case, "1", 1), withdrawal(case, 2)]
    assert [apply(store, fact) for fact in facts] == [True, True]
    assert [apply(store, fact) for fact in facts] == [False, False]
    stored = store.case(CaseId(case))
    assert stored is not None
    assert (stored.current, stored.withdrawn) == (None, facts[1])
    assert [score.current for score in store.scores(CaseId(case))] == [False]


@pytest.mark.parametrize("order", [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
def test_of_scores_and_withdrawals_the_greatest_revision_counts_in_any_order(store: SqlStore, order: list[int]) -> None:
    case = new_case()
    facts: list[Fact] = [record(case, "1", 1), withdrawal(case, 2), record(case, "2", 3)]
    for place in order:
        apply(store, facts[place])
    stored = store.case(CaseId(case))
    assert stored is not None
    assert stored.withdrawn is None
    assert [(score.as_of, score.current) for score in store.scores(CaseId(case))] == [
        (samples.at(3), True),
        (samples.at(1), False),
    ]


def test_what_a_score_was_made_from_is_kept_and_follows_its_last_announcement(store: SqlStore) -> None:
    case, versions = new_case(), [frozenset({("slides/c/a", etag)}) for etag in "12"]
    for minutes, inputs in enumerate(versions, 1):
        apply(store, replace(record(case, "1", minutes), inputs=inputs))
        facts = store.case(CaseId(case))
        assert facts is not None
        assert facts.current is not None
        assert facts.current.inputs == inputs


def test_a_refusal_that_is_forgotten_can_be_told_again(store: SqlStore) -> None:
    refused = samples.rejected(new_case(), "A", samples.at(1))
    refused.object_etag = "v1"
    for _ in range(2):
        assert apply(store, refused)
        facts = store.case(CaseId(refused.case_id))
        assert facts is not None
        assert facts.rejections == [refused]
        store.forget_rejection(refused)


def test_rows_of_an_older_program_are_read_and_its_chain_stays_intact(new_store: Callable[[], SqlStore]) -> None:
    store = new_store()
    store.migrate()
    old: list[Fact] = [record("a", "1", 1), samples.rejected("a", "B", samples.at(2))]
    for fact in old:
        apply(store, fact)
    migrate.downgrade(store.engine, "0001")
    store.migrate()
    facts = store.case(CaseId("a"))
    assert facts is not None
    assert facts.current is not None
    assert (facts.current.inputs, facts.rejections, facts.withdrawn) == (None, [old[1]], None)
    assert store.verify_chain().intact
    apply(store, withdrawal("a", 3))
    assert (store.verify_chain().intact, store.verify_chain().entries) == (True, 2)


def test_another_text_under_a_known_score_id_is_refused(store: SqlStore) -> None:
    kept = record(new_case(), "1", 1)
    apply(store, kept)
    for minutes in (1, 2):
        forged = replace(kept, body="{}", digest=Sha256(samples.digest("{}")), as_of=samples.at(minutes))
        with pytest.raises(ScoreMismatchError, match="is kept with digest"):
            apply(store, forged)
    assert store.scores(kept.case_id)[0].body == kept.body


def test_only_the_latest_progress_of_a_slide_is_kept(store: SqlStore) -> None:
    case = new_case()
    for done, minutes in ((10, 1), (30, 3), (20, 2)):
        apply(store, samples.progress(case, "A", done, samples.at(minutes)))
    facts = store.case(CaseId(case))
    assert facts is not None
    assert [each.done for each in facts.progress] == [30]


def test_a_refusal_with_strange_text_is_kept(store: SqlStore) -> None:
    case = new_case()
    refused = samples.rejected(case, "Ü", samples.at(1))
    refused.sentence = "'; drop table cases; -- \0 <script>"
    apply(store, refused)
    facts = store.case(CaseId(case))
    assert facts is not None
    assert facts.rejections[0].sentence == "'; drop table cases; -- \N{REPLACEMENT CHARACTER} <script>"


def facts_of(case: str) -> list[Fact]:
    """Facts that contradict each other as much as facts can."""
    return [
        record(case, "1", 1),
        record(case, "2", 2),
        record(case, "3", 2),
        record(case, "1", 3),
        samples.rejected(case, "A", samples.at(2)),
        samples.rejected(case, "A", samples.at(4), "no_resolution"),
        samples.rejected(case, "", samples.at(1)),
        samples.progress(case, "A", 10, samples.at(1)),
        samples.progress(case, "A", 20, samples.at(5)),
    ]


def in_any_order(count: int) -> st.SearchStrategy[list[int]]:
    """Indexes of `count` facts in any order, some of them repeated."""
    places = range(count)
    again = st.lists(st.sampled_from(places), max_size=count)
    return st.tuples(st.permutations(places), again).map(lambda both: [*both[0], *both[1]])


@settings(max_examples=30)
@given(order=in_any_order(9))
def test_events_in_any_order_and_any_number_of_times_lead_to_the_same_state(store: SqlStore, order: list[int]) -> None:
    case = new_case()
    facts = facts_of(case)
    for place in order:
        apply(store, facts[place])
    minute = int(samples.at(0).timestamp())
    assert stored_scores(store, case) == {
        "updated_at": samples.at(5),
        "scores": [("1", samples.at(3), True), ("2", samples.at(2), False), ("3", samples.at(2), False)],
        "refused": [
            ("", "no_tissue", minute + 60),
            ("A", "no_resolution", minute + 240),
            ("A", "no_tissue", minute + 120),
        ],
        "progress": [("A", 20)],
        "open": [("A", "no_resolution")],
        "state": "CASE_STATE_SCORED",
    }


def test_a_case_scored_again_after_a_deletion_is_the_most_recently_changed(store: SqlStore) -> None:
    case = new_case()
    apply(store, record(case, "1", 5))
    later = record(case, "2", 9)
    apply(store, replace(record(case, "2", 2), revision=later.revision))
    facts = store.case(CaseId(case))
    assert facts is not None
    assert facts.current is not None
    assert (facts.current.as_of, facts.updated_at) == (samples.at(2), samples.at(9))


def test_activity_tells_recent_progress_and_which_cases_have_news(fresh: SqlStore) -> None:
    apply(fresh, samples.progress("busy", "A", 1, samples.at(9)))
    apply(fresh, samples.progress("idle", "A", 1, samples.at(1)))
    before = fresh.activity(samples.at(5))
    assert [each.case_id for each in before.progress] == ["busy"]
    apply(fresh, record("busy", "1", 2))
    after = fresh.activity(samples.at(5)).revisions
    assert after["busy"] > before.revisions["busy"]
    assert after["idle"] == before.revisions["idle"]


def test_times_come_back_as_they_went_in(store: SqlStore) -> None:
    case = new_case()
    odd = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=-7)))
    kept = replace(record(case, "1", 1), as_of=odd)
    apply(store, kept)
    assert store.scores(CaseId(case))[0].as_of == odd
    assert apply(store, kept) is False
