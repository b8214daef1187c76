"""Two slides side by side in a real browser: what one does, the other does, in microns."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.axe import Axe
from tests.support.polling import eventually
from tests.support.viewer_page import LARGE, SMALL, VIEW, opened, place, shown_slides
from tests.support.viewing import LARGE_PX, SMALL_PX

_PAIR = f"{VIEW}?beside={SMALL}"
_HALF = SMALL_PX / LARGE_PX
"""Pixels of the second slide for one of the first."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with shown_slides(tmp_path_factory.mktemp("pair"), is_pair=True) as slides:
        yield slides.address


def pane(page: Page, name: str) -> Locator:
    return page.locator(".pane", has=page.get_by_role("toolbar", name=f"Slide {name}"))


def test_a_second_slide_is_chosen_and_left_again(browser: Browser, address: str) -> None:
    """On a page of its own, as the library warns in the console of squares that come after it was left."""
    with browser.new_page() as page:
        opened(page, address)
        page.get_by_label("Beside it").select_option(f"Slide {SMALL}")
        expect(page.get_by_role("heading", name=f"Slides {LARGE} and {SMALL}")).to_be_visible()
        expect(page.locator(".stage")).to_have_count(2)
        page.get_by_label("Beside it").select_option("no other slide")
        expect(page.locator(".stage")).to_have_count(1)
        expect(page.get_by_role("heading", name=f"Slide {LARGE}")).to_be_visible()


def test_both_slides_show_the_same_tissue_at_the_same_magnification(page: Page, address: str) -> None:
    opened(page, address, _PAIR)
    pane(page, LARGE).get_by_role("button", name=re.compile("^2\\.")).click()
    expect(page.locator(".magnification").first).to_have_text(re.compile("^\\d+"))
    page.wait_for_url(re.compile("x=1195\\d&y=2171\\d.*x2="))
    now = place(page)
    assert now["x2"] == pytest.approx(now["x"] * _HALF, abs=3)
    assert now["y2"] == pytest.approx(now["y"] * _HALF, abs=3)
    assert now["zoom2"] == pytest.approx(now["zoom"] / _HALF, rel=1e-3)
    first, second = page.locator(".magnification").all_inner_texts()
    assert first == second


def test_the_second_slide_leads_as_well_and_rotation_follows(page: Page, address: str) -> None:
    opened(page, address, _PAIR)
    pane(page, SMALL).get_by_role("button", name="Rotate right").click()
    page.wait_for_url(re.compile("turn=90.*turn2=90"))
    before = place(page)
    pane(page, SMALL).get_by_role("button", name="Zoom in").click()
    eventually(lambda: place(page)["zoom"] > 1.4 * before["zoom"])
    now = place(page)
    assert now["zoom"] / before["zoom"] == pytest.approx(now["zoom2"] / before["zoom2"], rel=0.01)


def test_unlinked_slides_move_alone_and_keep_their_offset_when_linked_again(page: Page, address: str) -> None:
    opened(page, address, _PAIR)
    page.get_by_label("Move both together").uncheck()
    page.wait_for_url(re.compile("linked=0"))
    pane(page, LARGE).get_by_role("button", name="Rotate right").click()
    page.wait_for_url(re.compile("turn=90.*turn2=0"))
    page.get_by_label("Move both together").check()
    pane(page, LARGE).get_by_role("button", name="Rotate right").click()
    page.wait_for_url(re.compile("turn=180.*turn2=90"))
    before = place(page)
    page.get_by_role("application").first.focus()
    page.keyboard.press("ArrowRight")
    eventually(lambda: place(page) != before)
    now = place(page)
    moved = {name: now[name] - before[name] for name in ("x", "y", "x2", "y2")}
    assert math.hypot(moved["x2"], moved["y2"]) == pytest.approx(math.hypot(moved["x"], moved["y"]) * _HALF, rel=0.02)
    assert abs(moved["x"]) > 100
    assert abs(moved["y2"]) > 50


def test_a_link_keeps_both_slides_and_their_places(page: Page, address: str) -> None:
    view = f"{VIEW}?x=12000&y=9000&zoom=0.2&turn=0&beside={SMALL}&x2=5000&y2=4000&zoom2=0.4&turn2=90&linked=0"
    opened(page, address, view)
    expect(page.get_by_label("Move both together")).not_to_be_checked()
    pane(page, LARGE).get_by_role("button", name="Rotate right").click()
    page.wait_for_url(re.compile("x=12000&y=9000.*turn=90.*x2=5000&y2=4000.*turn2=90&linked=0"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 820, 1400])
def test_two_slides_fit_every_window(
    page: Page, axe: Axe, address: str, scheme: Literal["light", "dark"], width: int, pictures: Path
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, address, _PAIR)
    first, second = (stage.bounding_box() for stage in page.locator(".stage").all())
    assert first is not None
    assert second is not None
    assert second["y"] - first["y"] - first["height"] < 320
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe.findings(page) == []
    page.screenshot(path=pictures / f"pair-{scheme}-{width}.png", full_page=True)
