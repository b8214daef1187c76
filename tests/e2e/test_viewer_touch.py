"""The slide viewer under fingers, in a real browser with a touch screen of a phone's size."""

import math
import re
from collections.abc import Iterator, Sequence

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.viewer_page import opened, place, shown_slides

_STEPS = 8
Point = tuple[float, float]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with shown_slides(tmp_path_factory.mktemp("touch")) as slides:
        yield slides.address


@pytest.fixture
def phone(browser: Browser, address: str) -> Iterator[Page]:
    """A phone that shows the slide, in the middle of its screen."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, reduced_motion="reduce")
    page = context.new_page()
    opened(page, address)
    page.locator(".stage").scroll_into_view_if_needed()
    yield page
    context.close()


def move(page: Page, *fingers: tuple[Point, Point]) -> None:
    """Put fingers on the slide, move each from its first point to its second (px from the middle), and lift them."""
    box = page.locator(".stage").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)

    def send(kind: str, points: Sequence[Point]) -> None:
        shown = [{"x": middle[0] + x, "y": middle[1] + y, "id": n} for n, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": shown})

    send("touchStart", [start for start, _ in fingers])
    for step in range(1, _STEPS + 1):
        send("touchMove", [_between(start, end, step / _STEPS) for start, end in fingers])
    send("touchEnd", [])


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def test_one_finger_moves_the_slide(phone: Page) -> None:
    phone.get_by_role("button", name="Zoom in").tap()
    phone.wait_for_url(re.compile("zoom="))
    before = place(phone)
    move(phone, ((60, 0), (-60, 0)))
    phone.wait_for_url(re.compile(rf"x=(?!{before['x']:.0f}&)"))
    assert place(phone)["x"] - before["x"] > 60 / before["zoom"]


def test_two_fingers_zoom(phone: Page) -> None:
    phone.wait_for_url(re.compile("zoom="))
    before = place(phone)
    move(phone, ((-20, 0), (-110, 0)), ((20, 0), (110, 0)))
    phone.wait_for_url(re.compile(rf"zoom=(?!{before['zoom']:.4g}&)"))
    assert place(phone)["zoom"] > 2 * before["zoom"]


def test_two_fingers_turn_the_slide(phone: Page) -> None:
    radius, angle = 80, math.radians(60)
    ends = radius * math.cos(angle), radius * math.sin(angle)
    move(phone, ((-radius, 0), (-ends[0], -ends[1])), ((radius, 0), ends))
    phone.wait_for_url(re.compile("turn=(?!0)"))
    assert place(phone)["turn"] == pytest.approx(60, abs=10)


def test_a_ranked_tile_is_tapped(phone: Page) -> None:
    phone.get_by_role("button", name=re.compile("^2\\.")).tap()
    expect(phone.locator(".magnification")).to_have_text(re.compile("^[1-9]"))
