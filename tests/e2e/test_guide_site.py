"""The guide in `medulla up`: reached from the page, searched, accessible; and its pictures of the page."""

import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, ViewportSize, expect

from services.standalone.guide_site import GUIDE
from tests.support.axe import Axe
from tests.support.laptop import DEMO_CASE, DEMO_SLIDE, Laptop
from tests.support.polling import eventually
from tests.support.viewer_page import is_drawn

SHOWN = 12
"""Sections that the search lists; it counts all that match."""
WIDTHS = (380, 820, 1400)
PAGES = ("", "own-profile.html", "hospital.html", "how-it-works.html", "reference/commands.html")
_VIEW: ViewportSize = {"width": 1100, "height": 760}
_SEEN_PX = 32
_LARGEST = 12.0
"""Mean difference of a small picture, of 255, up to which fonts and anti-aliasing may differ."""


def test_the_page_leads_to_the_guide_and_its_search_to_a_section(page: Page, demo_up: Laptop) -> None:
    page.goto(demo_up.address("/"))
    page.get_by_role("link", name="Guide").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Medulla guide")
    page.get_by_label("Search the guide").fill("medulla")
    expect(page.locator("#hits li")).to_have_count(SHOWN)
    expect(page.locator("#count")).to_have_text(re.compile(r"^Sections that match: \d{3}$"))
    page.get_by_label("Search the guide").fill("encoder_mismatch")
    page.locator("#hits a", has_text="Reason codes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Reason codes")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_on_the_guide(
    page: Page, demo_up: Laptop, axe: Axe, pictures: Path, path: str, scheme: str
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    name = path.removesuffix(".html").replace("/", "-") or "index"
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(demo_up.address(f"/guide/{path}"))
        expect(page.locator("main h1")).to_be_visible()
        assert axe.findings(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=pictures / f"guide-{name}-{width}-{scheme}.png")


@pytest.mark.parametrize(
    ("name", "path", "shown"),
    [
        ("case", f"/#/cases/{DEMO_CASE}", ".curve .mark"),
        ("viewer", f"/#/cases/{DEMO_CASE}/slides/{DEMO_SLIDE}", ".navigator"),
    ],
)
def test_the_pictures_of_the_guide_are_those_of_the_page(
    page: Page, demo_up: Laptop, pictures: Path, name: str, path: str, shown: str
) -> None:
    page.set_viewport_size(_VIEW)
    page.goto(demo_up.address(path))
    expect(page.locator(shown).first).to_be_visible()
    for drawn in page.locator(".stage, .navigator").all():
        eventually(partial(is_drawn, drawn))
    page.evaluate("scrollTo(0, 0)")
    taken, committed = pictures / f"{name}.png", GUIDE / "pictures" / f"{name}.webp"
    page.screenshot(path=taken)
    Image.open(taken).save(taken.with_suffix(".webp"), quality=80, method=6)
    assert committed.is_file(), f"copy {taken.with_suffix('.webp')} to {committed}"
    assert np.abs(seen(taken) - seen(committed)).mean() < _LARGEST, (
        f"look at {taken}, and copy its .webp to {committed}"
    )


def seen(path: Path) -> np.ndarray:
    """What is seen of a picture from afar, grey, [32, 32]."""
    return np.asarray(Image.open(path).convert("L").resize((_SEEN_PX, _SEEN_PX)), np.float64)
