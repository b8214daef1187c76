"""The page at every width, in both themes, by keyboard, by name and on paper."""

from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.support import scores as samples
from tests.support.page_text import FAINT
from tests.support.results import Results


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(
    page: Page, filled: Results, address: str, scheme: Literal["light", "dark"]
) -> None:
    filled.score(samples.remarkable("MB-0044"), minutes=6)
    page.emulate_media(color_scheme=scheme)
    views = (("", ".cases"), ("MB-0042", "canvas.heat"), ("MB-0043", ".abstained"), ("MB-0044", ".look"))
    for path, selector in ((f"/#/cases/{case}" if case else "/", selector) for case, selector in views):
        page.goto(address + path)
        expect(page.locator(selector).first).to_be_visible()
        assert page.evaluate(FAINT) == []


@pytest.mark.parametrize("width", [380, 820, 900, 1400])
def test_nothing_sticks_out_of_the_window(page: Page, filled: Results, address: str, width: int) -> None:
    filled.score(samples.remarkable("MB-0044"), minutes=6)
    page.set_viewport_size({"width": width, "height": 800})
    views = (("", ".cases"), ("MB-0042", "canvas.heat"), ("MB-0043", ".abstained"), ("MB-0044", ".look"))
    for path, selector in ((f"/#/cases/{case}" if case else "/", selector) for case, selector in views):
        page.goto(address + path)
        expect(page.locator(selector).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_case_can_be_opened_with_the_keyboard_alone(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("link", name="MB-0042")).to_be_visible()
    page.get_by_role("link", name="Medulla, all cases").focus()
    for _ in range(16):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "MB-0042":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="MB-0042", level=1)).to_be_visible()
    expect(page.locator("main")).to_be_focused()


def test_everything_that_is_shown_has_a_name(page: Page, address: str) -> None:
    page.goto(f"{address}/#/cases/MB-0042")
    expect(page.locator("canvas.heat").first).to_be_visible()
    nameless = "all => all.filter(e => !(e.labels?.length || e.ariaLabel || e.textContent.trim())).length"
    assert page.locator("input, button, a, progress").evaluate_all(nameless) == 0
    assert page.locator("h1").count() == 1


def test_paper_gets_the_provenance_and_no_buttons(page: Page, address: str) -> None:
    page.goto(f"{address}/#/cases/MB-0042")
    expect(page.locator("canvas.heat").first).to_be_visible()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.get_by_text(samples.digest("bundle"))).to_be_visible()
    expect(page.get_by_text("Research use only.")).to_be_visible()
    expect(page.locator(".back")).to_be_hidden()
    expect(page.get_by_label("Opacity").first).to_be_hidden()
    assert page.pdf().startswith(b"%PDF")
