"""Operators see on the page which slides wait, why, and when they are tried again."""

from dataclasses import replace

from playwright.sync_api import Page, expect

from tests.support.results import Results
from tests.support.waiting import TRACE, waiting_list


def test_an_operator_reads_which_slides_wait_and_why(page: Page, filled: Results, address: str) -> None:
    filled.waiting = replace(waiting_list(), problem="Kafka does not answer.")
    page.goto(f"{address}/#/operations")
    rows = page.locator(".waiting li")
    expect(rows).to_have_count(2)
    first, second = rows.first, rows.last
    expect(first).to_contain_text("MB-0100, slide C1.svs \u2014 Triton does not answer.")
    expect(first).to_contain_text("embedding, since")
    expect(first.get_by_role("link", name="Show the trace")).to_have_attribute("href", TRACE)
    expect(first).to_contain_text("Next attempt")
    expect(second).not_to_contain_text("Next attempt")
    expect(page.get_by_text("Reasons and next attempts are missing: Kafka does not answer.")).to_be_visible()
    first.get_by_role("link", name="MB-0100").click()
    assert page.url.endswith("#/cases/MB-0100")
