"""The list of cases of every result store: filters, orders, pages and counts, on SQLite and on PostgreSQL."""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medulla.v1.results_pb2 import CaseSummary
from medulla.v1.scorer_pb2 import Certainty
from sqlalchemy import text

from services.results import case_state, migrate, sql_counts, sql_list
from services.results.case_list import Counts, Field, Order, PageMark, Selection, selection, standing
from services.results.ports import ScoreRecord
from services.results.sql_store import SqlStore
from shared.units import CaseId, Sha256
from tests.support import scores as samples
from tests.support.result_stores import apply, withdrawal

ALL = Selection()


def score_case(
    store: SqlStore, case: str, minutes: float, risk: float = 0.31, group: str = "high", site: str = ""
) -> None:
    """Store a score of this risk, group and site; the certainty is clear, or too uncertain without a group."""
    score = samples.score(case)
    score.risks[0].risk, score.risk_group = risk, group
    score.certainty.CopyFrom(Certainty(state="clear" if group else "too_uncertain"))
    event, body = samples.scored(score, samples.at(minutes)), samples.body(score)
    name, digest = Sha256(score.score_id), Sha256(event.score_digest)
    store.record_score(
        ScoreRecord(CaseId(case), name, body, digest, samples.at(minutes), event.revision, event.event_id, site=site)
    )


@pytest.fixture(scope="module")
def listed(new_store: Callable[[], SqlStore]) -> SqlStore:
    """Seven cases: three groups, two sites, one refused, one in progress, one withdrawn."""
    store = new_store()
    store.migrate()
    score_case(store, "MB-01", 1, 0.7, "high", "north")
    score_case(store, "MB-02", 2, 0.1, "low", "south")
    score_case(store, "MB-03", 3, 0.7, "high", "south")
    score_case(store, "mb_04", 4, 0.4, "")
    apply(store, samples.rejected("MB-01", "B", samples.at(5), "no_resolution"))
    apply(store, samples.rejected("XY-05", "A", samples.at(6)))
    apply(store, samples.progress("XY-06", "A", 1, samples.at(7)))
    score_case(store, "XY-07", 8)
    apply(store, withdrawal("XY-07", 9))
    return store


def ids(store: SqlStore, order: Order = Order.CASE, chosen: Selection = ALL) -> list[str]:
    return [shown.case_id for _, shown in store.page(chosen, order, 100)]


def paged_ids(store: SqlStore, order: Order, size: int, chosen: Selection = ALL) -> list[str]:
    """The same, page by page."""
    seen: list[str] = []
    after: PageMark | None = None
    while rows := store.page(chosen, order, size, after):
        seen += [shown.case_id for _, shown in rows]
        after = PageMark.read(rows[-1][0].token(), order)
    return seen


@pytest.mark.parametrize(
    ("chosen", "cases"),
    [
        (selection(state=["scored"]), ["MB-01", "MB-02", "MB-03"]),
        (selection(state=["too_uncertain", "withdrawn"]), ["mb_04", "XY-07"]),
        (selection(state=["in_progress", "withdrawn"]), ["XY-06", "XY-07"]),
        (selection(state=["abstained"]), []),
        (selection(group=["high"]), ["MB-01", "MB-03"]),
        (selection(certainty=["too_uncertain"]), ["mb_04"]),
        (selection(flag=["rejected_input"]), ["MB-01", "XY-05"]),
        (selection(reason=["no_resolution"]), ["MB-01"]),
        (selection(site=["south"], group=["high", "low"]), ["MB-02", "MB-03"]),
        (selection(query="mb"), ["MB-01", "MB-02", "MB-03", "mb_04"]),
        (selection(query="SOUTH mb"), ["MB-02", "MB-03"]),
        (selection(query="_0"), ["mb_04"]),
        (selection(query="%"), []),
        (selection(query="é"), []),
        (selection(query="b"), []),
        (selection(query="N"), ["MB-01"]),
        (selection(query="04"), ["mb_04"]),
        (selection(query="b-0"), ["MB-01", "MB-02", "MB-03"]),
        (selection(query="- MB-02 ._"), ["MB-02"]),
    ],
)
def test_filters_select_the_cases_that_fit_all_of_them(listed: SqlStore, chosen: Selection, cases: list[str]) -> None:
    assert sorted(ids(listed, chosen=chosen)) == sorted(cases)
    assert listed.counts(chosen).cases == len(cases)


def test_orders_put_cases_without_a_risk_last(listed: SqlStore) -> None:
    rest = ["XY-05", "XY-06", "XY-07"]
    assert ids(listed, Order.HIGHEST_RISK) == ["MB-01", "MB-03", "mb_04", "MB-02", *rest]
    assert ids(listed, Order.LOWEST_RISK) == ["MB-02", "mb_04", "MB-01", "MB-03", *rest]
    assert ids(listed, Order.OLDEST) == ["MB-02", "MB-03", "mb_04", "MB-01", "XY-05", "XY-06", "XY-07"]
    assert ids(listed, Order.NEWEST) == list(reversed(ids(listed, Order.OLDEST)))
    assert ids(listed, Order.CASE_DESCENDING) == list(reversed(ids(listed, Order.CASE)))


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("walked", [1, 3, 400])
@pytest.mark.parametrize("few", [0, 1_000_000])
@pytest.mark.parametrize(
    "chosen",
    [
        selection(query="mb"),
        selection(query="0", state=["scored", "rejected"]),
        selection(flag=["rejected_input"]),
        selection(state=["rejected", "withdrawn"]),
        selection(query="none"),
    ],
)
def test_a_walk_along_the_order_and_a_look_at_all_that_fit_show_the_same(
    listed: SqlStore, order: Order, walked: int, few: int, chosen: Selection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_list, "_WALKED", walked)
    monkeypatch.setattr(sql_list, "_FEW", few)
    fitting = set(ids(listed, chosen=chosen))
    expected = [case for case in ids(listed, order) if case in fitting]
    for size in (1, 2, 100):
        assert paged_ids(listed, order, size, chosen) == expected


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_of_every_order_show_each_case_once(listed: SqlStore, order: Order, size: int) -> None:
    assert paged_ids(listed, order, size) == ids(listed, order)


def test_a_search_that_fits_many_cases_is_counted_up_to_a_bound(
    listed: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = listed.counts(selection(query="mb", group=["high"]))
    monkeypatch.setattr(sql_counts, "_MOST_SEARCHED", 4)
    assert listed.counts(selection(query="mb", group=["high"])) == exact
    assert not exact.more
    monkeypatch.setattr(sql_counts, "_MOST_SEARCHED", 2)
    bounded = listed.counts(selection(query="mb", group=["high"]))
    assert (bounded.cases, bounded.more) == (2, True)
    for name, values in listed.counts(ALL).values.items():
        assert set(values) >= set(bounded.values[name]) >= set(exact.values[name])
        assert all(bounded.values[name][value] <= cases for value, cases in exact.values[name].items())
    assert not listed.counts(ALL).more


@pytest.mark.parametrize(
    ("chosen", "bound", "cases", "more"),
    [
        (selection(query="0", state=["rejected"]), 2, 1, True),
        (selection(query="0", site=["south"], group=["low"]), 2, 1, False),
        (selection(query="0"), 2, 2, True),
        (selection(query="0"), 6, 6, True),
        (selection(query="0"), 7, 7, False),
        (selection(query="mb", state=["scored"], group=["high"]), 3, 2, False),
    ],
)
def test_a_bounded_count_is_of_cases_that_filters_fit_too(
    listed: SqlStore, chosen: Selection, bound: int, cases: int, more: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = listed.counts(chosen)
    monkeypatch.setattr(sql_counts, "_MOST_SEARCHED", bound)
    bounded = listed.counts(chosen)
    assert (bounded.cases, bounded.more) == (cases, more)
    assert max(cases for values in bounded.values.values() for cases in values.values()) <= bound
    met = {name: {value: n for value, n in values.items() if n} for name, values in bounded.values.items()}
    assert more or met == exact.values


def test_each_field_is_counted_as_if_it_were_not_filtered(listed: SqlStore) -> None:
    counts = listed.counts(selection(state=["scored"], group=["high"]))
    assert counts.cases == 2
    assert counts.values[Field.GROUP] == {"high": 2, "low": 1}
    assert counts.values[Field.STATE] == {"scored": 2}
    assert counts.values[Field.SITE] == {"north": 1, "south": 1}
    assert counts.values[Field.REASON] == {"no_resolution": 1}
    assert counts.values[Field.FLAG] == {"rejected_input": 1, "simulated": 2}
    assert listed.counts(ALL).values[Field.STATE] == {
        "scored": 3,
        "too_uncertain": 1,
        "rejected": 1,
        "in_progress": 1,
        "withdrawn": 1,
    }


def test_a_row_shows_what_the_case_shows(listed: SqlStore) -> None:
    for case in ids(listed):
        facts = listed.case(CaseId(case))
        assert facts is not None
        ((_, shown),) = listed.page(selection(query=case), Order.CASE, 2)
        assert shown == case_state.summary(facts)


def test_cases_of_an_older_program_are_filled_by_the_migration_and_by_the_service(
    new_store: Callable[[], SqlStore],
) -> None:
    store = new_store()
    store.migrate()
    for number in range(5):
        score_case(store, f"c-{number}", number)
    migrate.downgrade(store.engine, "0003")
    store.migrate()
    assert ids(store, chosen=selection(state=["scored"], flag=["simulated"])) == [f"c-{number}" for number in range(5)]
    with store.engine.begin() as connection:
        connection.execute(text("update cases set state = 'withdrawn', revision = revision + 1 where case_id = 'c-3'"))
    assert len(ids(store, chosen=selection(state=["scored"]))) == 4
    store.refresh_summaries()
    assert len(ids(store, chosen=selection(state=["scored"]))) == 5


def test_counts_are_kept_through_every_change_and_when_they_are_summed_up(
    fresh: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_counts, "_MOST_CHANGES", 5)
    for number in range(12):
        score_case(fresh, f"c-{number}", number, group="high" if number % 3 else "low", site=f"site-{number % 2}")
    refused = samples.rejected("c-1", "B", samples.at(20))
    apply(fresh, refused)
    apply(fresh, samples.rejected("c-2", "B", samples.at(21), "no_resolution"))
    apply(fresh, withdrawal("c-3", 22))
    fresh.erase(CaseId("c-4"))
    fresh.forget_rejection(refused)
    before = fresh.counts(ALL)
    assert before == counted(fresh)
    fresh.refresh_summaries()
    assert rows_of_counts(fresh) == len({(each, shown.site_id) for each, shown in facets(fresh)})
    assert fresh.counts(ALL) == before
    assert fresh.counts(selection(query="c-1")).cases == 3


def test_a_migration_counts_what_an_older_schema_holds(new_store: Callable[[], SqlStore]) -> None:
    store = new_store()
    store.migrate()
    score_case(store, "MB-1", 1, site="north")
    apply(store, samples.rejected("MB-1", "B", samples.at(2), "no_resolution"))
    expected = store.counts(ALL)
    migrate.downgrade(store.engine, "0007")
    with store.engine.begin() as connection:
        connection.execute(text("update cases set summary_revision = revision"))
    migrate.upgrade(store.engine)
    assert store.counts(ALL) == expected == counted(store)


def facets(store: SqlStore) -> list[tuple[tuple[str, ...], CaseSummary]]:
    """What cases are counted by together, beside their sites."""
    shown = [row for _, row in store.page(ALL, Order.CASE, 100)]
    return [((str(each.state), each.risk_group, *sorted(each.flags), *sorted(each.reasons)), each) for each in shown]


def counted(store: SqlStore) -> Counts:
    """Counts by the cases themselves."""
    shown = [row for _, row in store.page(ALL, Order.CASE, 100)]
    values = {
        Field.STATE: Counter(standing(each.state, each.certainty) for each in shown),
        Field.GROUP: Counter(each.risk_group for each in shown if each.risk_group),
        Field.CERTAINTY: Counter(each.certainty for each in shown if each.certainty),
        Field.SITE: Counter(each.site_id for each in shown if each.site_id),
        Field.FLAG: Counter(flag for each in shown for flag in each.flags),
        Field.REASON: Counter(reason for each in shown for reason in each.reasons),
    }
    return Counts(len(shown), values)


def rows_of_counts(store: SqlStore) -> int:
    with store.engine.connect() as connection:
        return int(connection.execute(text("select count(*) from case_counts")).scalar_one())


def test_a_refusal_that_is_forgotten_leaves_the_list(fresh: SqlStore) -> None:
    score_case(fresh, "c", 1)
    refused = samples.rejected("c", "B", samples.at(2))
    apply(fresh, refused)
    assert ids(fresh, chosen=selection(flag=["rejected_input"])) == ["c"]
    fresh.forget_rejection(refused)
    assert ids(fresh, chosen=selection(flag=["rejected_input"])) == []
    assert ids(fresh, chosen=selection(reason=["no_tissue"])) == []


@settings(max_examples=20)
@given(sizes=st.lists(st.integers(min_value=1, max_value=5), min_size=30, max_size=30))
def test_pages_of_any_size_show_every_case_once_in_order(paged: SqlStore, sizes: list[int]) -> None:
    cases, after = [], None
    for size in sizes:
        page = paged.page(ALL, Order.NEWEST, size, after)
        if not page:
            break
        cases += [shown for _, shown in page]
        after = page[-1][0]
    assert [each.case_id for each in cases] == [f"p-{n:02}" for n in (*range(20, 24), *range(20))]


@pytest.fixture(scope="module")
def paged(new_store: Callable[[], SqlStore]) -> SqlStore:
    """24 cases; the last four are newer than the rest, which share one time."""
    made_here = new_store()
    made_here.migrate()
    for n in range(24):
        apply(made_here, samples.rejected(f"p-{n:02}", "A", samples.at(n // 20)))
    return made_here
