"""The list of cases in a real browser: search, filters, orders, the address that keeps them, and rows that stay."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from medulla.v1.scorer_pb2 import Certainty
from playwright.sync_api import Page, expect

from tests.support import scores as samples
from tests.support.results import Results, over_http


def fill(results: Results) -> None:
    """Six cases: three scored with different risks, one too uncertain, one refused, one in progress."""
    for number, risk in enumerate((0.12, 0.64, 0.31, 0.42)):
        score = samples.score(f"MB-000{number}", slides=("A1",))
        score.risks[0].risk, score.risks[0].lo, score.risks[0].hi = risk, risk / 2, min(1.0, 1.5 * risk)
        score.risk_group = "higher risk of recurrence" if risk > 0.25 else "lower risk of recurrence"
        score.certainty.CopyFrom(Certainty(state="clear"))
        if number == 3:
            score.risk_group, score.certainty.state = "", "too_uncertain"
        results.score(score, minutes=number)
    results.store.record_rejection(samples.rejected("MB-0002", "A3", samples.at(5), "no_resolution"))
    results.store.record_rejection(samples.rejected("XY-0099", "B1", samples.at(2)))
    results.store.record_progress(samples.progress("XY-0100", "C1", 130, samples.at(9)))


@pytest.fixture
def listed(results: Results) -> Iterator[str]:
    fill(results)
    with over_http(results) as address:
        yield address


def ids(page: Page) -> list[str]:
    return page.locator(".cases tbody a").all_inner_texts()


def test_words_and_filters_narrow_the_list_and_are_kept_in_the_address(page: Page, listed: str) -> None:
    page.goto(listed)
    expect(page.locator(".total")).to_have_text("6 cases")
    page.get_by_label("Search case or site").fill("mb")
    expect(page.locator(".total")).to_have_text("4 cases")
    page.get_by_label("Group").select_option(label="higher risk of recurrence (2)")
    expect(page.locator(".total")).to_have_text("2 cases")
    expect(page).to_have_url(f"{listed}/#/?q=mb&group=higher+risk+of+recurrence")
    page.reload()
    expect(page.locator(".total")).to_have_text("2 cases")
    assert ids(page) == ["MB-0002", "MB-0001"]
    expect(page.get_by_label("Search case or site")).to_have_value("mb")
    page.get_by_role("link", name="MB-0001").click()
    page.locator(".back a").click()
    expect(page.locator(".total")).to_have_text("2 cases")
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator(".total")).to_have_text("6 cases")
    expect(page).to_have_url(f"{listed}/#/")


def test_each_filter_is_a_choice_with_its_number_of_cases(page: Page, listed: str) -> None:
    page.goto(listed)
    expect(page.get_by_label("State").locator("option")).to_have_text(
        ["All", "Scored (3)", "In progress (1)", "Rejected (1)", "Too uncertain for a group (1)"]
    )
    expect(page.get_by_label("Refused because").locator("option")).to_have_count(3)
    expect(page.get_by_label("Site", exact=True)).to_be_hidden()
    page.get_by_label("Certainty").select_option("too_uncertain")
    expect(page.locator(".total")).to_have_text("1 case")
    expect(page.locator(".cases .chip").first).to_have_text("Too uncertain for a group")


def test_the_order_can_be_chosen(page: Page, listed: str) -> None:
    page.goto(f"{listed}/#/?sort=-risk")
    expect(page.locator(".cases tbody tr")).to_have_count(6)
    assert ids(page)[:4] == ["MB-0001", "MB-0003", "MB-0002", "MB-0000"]
    page.get_by_label("Order").select_option("case")
    expect(page).to_have_url(f"{listed}/#/?sort=case")
    expect(page.locator(".cases tbody a").first).to_have_text("MB-0000")


def test_rows_stay_while_someone_reads_and_changes_are_announced(page: Page, listed: str, results: Results) -> None:
    page.goto(listed)
    expect(page.locator("progress")).to_have_attribute("value", "130")
    before = ids(page)
    results.score(samples.score("MB-0000", "2"), minutes=20)
    expect(page.get_by_role("button", name="1 case changed: show")).to_be_visible()
    results.score(samples.score("NEW-1"), minutes=21)
    news = page.get_by_role("button", name="2 cases changed: show")
    expect(news).to_be_visible()
    assert ids(page) == before
    news.click()
    expect(page.locator(".cases tbody a").first).to_have_text("NEW-1")
    expect(news).to_have_count(0)


def test_progress_that_is_over_disappears_and_is_not_shown_to_those_who_come_later(
    page: Page, listed: str, results: Results
) -> None:
    page.goto(listed)
    expect(page.locator("progress")).to_have_count(1)
    results.score(samples.score("XY-0100", slides=("C1",)), minutes=10)
    expect(page.locator("progress")).to_have_count(0)
    page.goto(f"{listed}/#/cases/XY-0100")
    expect(page.get_by_role("heading", name="Risk of recurrence")).to_be_visible()
    expect(page.get_by_role("heading", name="On the way")).to_have_count(0)


def test_the_selected_cases_are_downloaded_as_csv(page: Page, listed: str, tmp_path: Path) -> None:
    page.goto(f"{listed}/#/?state=scored")
    expect(page.locator(".total")).to_have_text("3 cases")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    download.value.save_as(tmp_path / "cases.csv")
    rows = list(csv.DictReader((tmp_path / "cases.csv").open()))
    clear = [(f"MB-000{number}", "clear") for number in range(3)]
    assert [(row["case_id"], row["certainty"]) for row in rows] == clear
    assert rows[1]["risk"] == "0.64"


def test_a_search_without_a_case_says_so(page: Page, listed: str) -> None:
    page.goto(f"{listed}/#/?q=nothing")
    expect(page.get_by_text("No case fits the search and the filters.")).to_be_visible()
    expect(page.get_by_role("button", name="Clear filters")).to_be_visible()


@pytest.mark.parametrize("path", ["", "/slides/a.svs"])
def test_a_damaged_address_is_answered_with_a_sentence(page: Page, listed: str, path: str) -> None:
    page.goto(f"{listed}/#/cases/%E0%A4%A{path}")
    expect(page.get_by_role("alert")).to_have_text("The address of this page is damaged; open the case from the list.")
