"""Ranked tiles of the viewer are marked as artefacts in a real browser, by keyboard."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from services.results.note import read_note
from shared.units import CaseId
from tests.support.axe import Axe
from tests.support.viewer_page import CASE, LARGE, ShownSlides, opened, shown_slides
from tests.support.viewing import scored


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShownSlides]:
    with shown_slides(tmp_path_factory.mktemp("artefacts")) as slides:
        yield slides


def test_a_ranked_tile_is_marked_by_keyboard_and_shows_it_from_then_on(page: Page, shown: ShownSlides) -> None:
    opened(page, shown.address)
    second, third = (page.locator(".ranked li").nth(index) for index in (1, 2))
    second.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(second.get_by_label("What it shows (optional)")).to_be_focused()
    page.keyboard.type("<b>fold</b>")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(second.locator(".mark p")).to_contain_text("Artefact")
    expect(second.locator(".mark p")).to_be_focused()
    page.reload()
    expect(second.locator(".mark .text")).to_have_text("<b>fold</b>")
    expect(third.locator("summary")).to_have_text("Mark as artefact")
    (note,) = map(read_note, shown.results.store.notes(CaseId(CASE)))
    marked = scored(*shown.events).slides[0].top_tiles[1]
    assert (note.kind, note.slide_id, note.x_px, note.y_px) == ("artefact", LARGE, marked.x_px, marked.y_px)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 820, 1400])
def test_marks_fit_every_window_in_both_themes(
    page: Page, axe: Axe, shown: ShownSlides, scheme: Literal["light", "dark"], width: int, pictures: Path
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, shown.address)
    page.locator(".mark summary").last.click()
    expect(page.get_by_role("button", name="Save mark").last).to_be_in_viewport()
    page.screenshot(path=pictures / f"viewer-artefacts-{scheme}-{width}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe.findings(page) == []
