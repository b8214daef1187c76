"""The answer and "what if" on screens of several widths, in light and dark: nothing faint, nothing that sticks out."""

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.support import answers
from tests.support.axe import Axe
from tests.support.page_text import FAINT
from tests.support.questions import FakeScorer
from tests.support.results import Results, over_http

CASES = ("MB-CLEAR", "MB-CROSSES", "MB-BEYOND")


@pytest.fixture
def address(results: Results) -> Iterator[str]:
    clear, crosses, beyond = CASES
    results.score(answers.answered(clear))
    results.score(answers.uncertain(crosses, "crosses_threshold"))
    results.score(answers.beyond(beyond))
    with over_http(results, scorer=FakeScorer()) as served:
        yield served


def show(page: Page, address: str, case: str) -> None:
    """The case with all that unfolds, and an answer to another value."""
    page.goto(f"{address}/#/cases/{case}")
    page.get_by_role("button", name="Try other values").click()
    page.locator(".what-if").get_by_label("MYC amplification", exact=True).select_option("yes")
    expect(page.locator(".answer .pair")).to_have_count(5)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_of_the_answer_stands_out(page: Page, address: str, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    for case in CASES:
        show(page, address, case)
        assert page.evaluate(FAINT) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_answer(page: Page, axe: Axe, address: str, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    show(page, address, CASES[1])
    for width in (380, 820, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        assert axe.findings(page) == []


@pytest.mark.parametrize("width", [380, 820, 1400])
def test_no_answer_sticks_out_of_the_window(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for case in CASES:
        show(page, address, case)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_phone_the_answer_stays_in_view_below_the_form(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 380, "height": 700})
    show(page, address, CASES[0])
    page.locator(".what-if legend").first.scroll_into_view_if_needed()
    expect(page.locator(".what-if").get_by_role("status")).to_be_in_viewport()
