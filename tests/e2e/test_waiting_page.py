"""Operators see on the page which slides wait, why, and when they are tried again, and how far scoring again is."""

from dataclasses import replace

from playwright.sync_api import Page, expect

from shared.rescoring import RescoringProgress, RescoringRequest
from tests.support import scores as samples
from tests.support.results import Results
from tests.support.waiting import LAST_TRACE, TRACE, waiting_list

_LOOK_MS = 5000


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
    expect(second.get_by_role("link", name="Show the trace")).to_have_attribute("href", LAST_TRACE)
    expect(page.get_by_text("Reasons and next attempts are missing: Kafka does not answer.")).to_be_visible()
    first.get_by_role("link", name="MB-0100").click()
    assert page.url.endswith("#/cases/MB-0100")


def test_scoring_again_is_followed_after_a_read_failed_and_says_nothing_of_forgotten_cases(
    filled: Results, address: str, page: Page
) -> None:
    request = RescoringRequest(samples.at(5), None)
    filled.rescoring = RescoringProgress(request, waiting=4, requested=10)
    page.clock.install()
    page.route("**/api/v1/rescoring", lambda route: route.abort("connectionrefused"), times=1)
    page.goto(f"{address}/#/operations")
    section = page.locator(".rescoring")
    expect(section).to_contain_text("The service cannot be reached")
    page.clock.run_for(_LOOK_MS)
    expect(section).to_contain_text("6 of 10 cases done")
    filled.rescoring = RescoringProgress(request)
    page.clock.run_for(_LOOK_MS)
    expect(section).to_have_text("Nothing is being scored again.")
    assert section.locator("progress").count() == 0
