"""Layers over a slide in a real browser: attention, tissue, quality, prototypes and classes, by mouse and keyboard."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from safetensors.numpy import load, save

from shared import keys
from shared.slides.verdict import Verdict
from tests.support import scores as samples
from tests.support.axe import Axe
from tests.support.polling import eventually
from tests.support.viewer_page import ShownSlides, opened, shown_slides
from tests.support.viewing import scored

_GREEN, _ORANGE, _BLUE = (0, 158, 115), (230, 159, 0), (0, 114, 178)


@contextmanager
def blurred(folder: Path) -> Iterator[ShownSlides]:
    """A slide, whose plan calls some rows of places blurred."""
    with shown_slides(folder) as slides:
        key = slides.events[0].plan.prefix + keys.PLAN_TILES
        tensors = load(slides.results.blobs.get(key))
        tensors["ledger"][40:80] = Verdict.BLURRED
        slides.results.blobs.put(key, save(tensors))
        yield slides


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShownSlides]:
    """A slide that tests look at."""
    with blurred(tmp_path_factory.mktemp("layers")) as slides:
        yield slides


@pytest.fixture
def changed(tmp_path: Path) -> Iterator[ShownSlides]:
    """A slide of its own for a test that changes it or its score."""
    with blurred(tmp_path) as slides:
        yield slides


def share_of(page: Page, colour: tuple[int, int, int]) -> float:
    """Share of the stage that has a colour."""
    pixels = np.asarray(Image.open(io.BytesIO(page.locator(".stage").screenshot())).convert("RGB"), np.int16)
    return float((np.abs(pixels - colour).max(axis=2) < 12).mean())


def test_the_tissue_mask_lies_over_the_slide_once_it_is_asked_for(page: Page, shown: ShownSlides) -> None:
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    opened(page, shown.address)
    assert not any(url.endswith("/tissue") for url in urls)
    page.get_by_label("Attention 1").uncheck()
    page.get_by_label("Tissue").first.check()
    page.get_by_label("Opacity of the tissue").fill("100")
    eventually(lambda: share_of(page, _GREEN) > 0.1)
    expect(page.locator(".classes")).to_contain_text("pen ink")
    page.get_by_label("Tissue").first.uncheck()
    eventually(lambda: share_of(page, _GREEN) == 0)
    expect(page.locator(".classes")).to_be_hidden()


def test_tiles_that_were_left_out_have_the_colour_of_the_reason(page: Page, shown: ShownSlides) -> None:
    opened(page, shown.address)
    page.get_by_label("Quality").first.check()
    page.get_by_label("Opacity of the quality").fill("100")
    eventually(lambda: share_of(page, _ORANGE) > 0.05)
    expect(page.locator(".classes")).to_contain_text("blurred")


def test_prototypes_have_colours_of_their_own_and_say_what_goes_with_them(page: Page, shown: ShownSlides) -> None:
    opened(page, shown.address)
    page.get_by_label("Attention 1").uncheck()
    page.get_by_role("checkbox", name="Prototypes 4").check()
    page.get_by_label("Opacity of the prototypes").fill("100")
    eventually(lambda: share_of(page, _BLUE) > 0.05 and share_of(page, _ORANGE) > 0.05)
    first, second, third = page.locator(".prototypes li").all()
    expect(first).to_contain_text("Prototype 0, 50\u202f% of tiles, goes with higher risk (hazard ratio 1.42, 1.10 to")
    expect(second).to_contain_text("goes with lower risk")
    expect(third).to_contain_text("12\u202f% of tiles, no clear association with risk")
    first.get_by_role("checkbox").uncheck()
    eventually(lambda: share_of(page, _BLUE) == 0)
    assert share_of(page, _ORANGE) > 0.05


def test_the_composition_shows_classes_with_their_shares(page: Page, shown: ShownSlides) -> None:
    opened(page, shown.address)
    page.get_by_label("Attention 1").uncheck()
    page.get_by_role("checkbox", name="Composition 5").check()
    page.get_by_label("Opacity of the composition").fill("100")
    eventually(lambda: share_of(page, _BLUE) > 0.05 and share_of(page, _ORANGE) > 0.05)
    entries = page.locator(".composition li")
    expect(entries).to_contain_text(["plain, 61\u202f%", "nodules, 36\u202f%", "necrosis, 3\u202f% of tiles"])
    entries.first.get_by_role("checkbox").uncheck()
    eventually(lambda: share_of(page, _BLUE) == 0)
    assert share_of(page, _ORANGE) > 0.05


def test_layers_are_switched_by_keys(page: Page, shown: ShownSlides) -> None:
    opened(page, shown.address)
    page.get_by_role("application").focus()
    for key, name in (("1", "Attention"), ("2", "Tissue"), ("3", "Quality"), ("4", "Prototypes"), ("5", "Composition")):
        box = page.get_by_role("checkbox", name=f"{name} {key}")
        before = box.is_checked()
        page.keyboard.press(key)
        expect(box).to_be_checked(checked=not before)


def test_a_layer_that_is_not_kept_says_so(browser: Browser, changed: ShownSlides) -> None:
    """On a page of its own, as the refusal is an error in the console."""
    changed.results.blobs.delete(changed.events[0].plan.prefix + keys.PLAN_MASK)
    with browser.new_page() as page:
        opened(page, changed.address)
        page.get_by_label("Tissue").first.check()
        expect(page.get_by_text("there is no tissue mask of slide large.tif")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 820, 1400])
def test_layers_and_their_colours_fit_every_window(
    page: Page, axe: Axe, shown: ShownSlides, scheme: Literal["light", "dark"], width: int, pictures: Path
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, shown.address)
    page.get_by_label("Tissue").first.check()
    page.get_by_label("Quality").first.check()
    page.get_by_role("checkbox", name="Prototypes 4").check()
    page.get_by_role("checkbox", name="Composition 5").check()
    expect(page.locator(".classes")).to_have_count(4)
    eventually(lambda: page.locator("canvas.heat").count() == 5)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe.findings(page) == []
    page.screenshot(path=pictures / f"layers-{scheme}-{width}.png", full_page=True)


def test_of_more_prototypes_than_colours_the_ones_farthest_from_no_association_are_painted(
    page: Page, changed: ShownSlides
) -> None:
    """Of the slide's three prototypes the second alone is painted."""
    score = samples.add_prototypes(scored(*changed.events), ratios=(1.0, 1.5, 0.7, *[2.0] * 7))
    score.score_id = samples.digest("by a bundle with ten prototypes")
    changed.results.score(score, minutes=1)
    opened(page, changed.address)
    page.get_by_label("Attention 1").uncheck()
    page.get_by_role("checkbox", name="Prototypes 4").check()
    page.get_by_label("Opacity of the prototypes").fill("100")
    eventually(lambda: share_of(page, _BLUE) > 0.05)
    assert share_of(page, _ORANGE) == 0
    others = page.locator(".prototypes details")
    expect(others).to_contain_text("2 more, whose hazard ratios are nearer to 1, are not painted")
    others.locator("summary").click()
    expect(others.locator("li")).to_contain_text(["Prototype 0, 50\u202f% of tiles", "Prototype 2, 12\u202f% of tiles"])


def test_a_score_without_prototypes_says_so(page: Page, changed: ShownSlides) -> None:
    plain = scored(*changed.events)
    plain.score_id = samples.digest("by a bundle without prototypes")
    changed.results.score(plain, minutes=1)
    opened(page, changed.address)
    expect(page.get_by_text("No prototypes: the bundle of this score has none.")).to_be_visible()
    for name in ("Prototypes 4", "Composition 5"):
        expect(page.get_by_role("checkbox", name=name)).to_have_count(0)
