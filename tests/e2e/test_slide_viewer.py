"""The slide viewer in a real browser, on a slide of 41,000 px a side made of the CC0 slide's pixels."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from medulla.v1.common_pb2 import Plan, Slide
from playwright.sync_api import Browser, Page, expect

from services.results.deep_zoom import DeepZoom, Square
from services.results.rest import Login
from services.results.slide_pixels import IsWanted
from shared.rpc.auth import TokenVerifier
from shared.settings import AuthSettings
from tests.support import scores as samples
from tests.support.axe import Axe
from tests.support.mirax_slide import mirax_slide
from tests.support.oidc_issuer import OidcIssuer
from tests.support.polling import eventually
from tests.support.results import Results, over_http
from tests.support.slides import cc0_pixels
from tests.support.viewer_page import CASE, VIEW, ShownSlides, is_drawn, opened, show, shown_slides


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShownSlides]:
    with shown_slides(tmp_path_factory.mktemp("viewer")) as slides:
        yield slides


@pytest.fixture
def address(shown: ShownSlides) -> str:
    return shown.address


def test_a_case_leads_to_its_slide_and_back(page: Page, address: str) -> None:
    page.goto(f"{address}/#/cases/{CASE}")
    page.get_by_role("link", name="Open the slide").click()
    expect(page.get_by_role("heading", name="Slide large.tif")).to_be_visible()
    eventually(lambda: is_drawn(page.locator(".stage")))
    page.get_by_role("link", name=f"Case {CASE}").click()
    expect(page.get_by_role("heading", name=CASE)).to_be_visible()


def test_a_ranked_tile_is_flown_to_and_the_address_keeps_the_place(page: Page, address: str) -> None:
    opened(page, address)
    expect(page.locator(".magnification")).to_have_text(re.compile("^0\\."))
    page.get_by_role("button", name=re.compile("^2\\.")).click()
    expect(page.locator(".magnification")).to_have_text(re.compile("^1[0-9]"))
    page.wait_for_url(re.compile("x=1195\\d&y=2171\\d&zoom="))
    place = page.url
    page.goto("about:blank")
    opened(page, address, place.removeprefix(f"{address}/"))
    expect(page.locator(".magnification")).to_have_text(re.compile("^1[0-9]"))
    page.wait_for_url(re.compile("x=119[45]\\d&y=217[12]\\d&zoom="))


def test_the_scale_bar_follows_the_zoom(page: Page, address: str) -> None:
    opened(page, address)
    expect(page.locator(".scale")).to_have_text(re.compile("mm"))
    page.get_by_role("button", name=re.compile("^1\\.")).click()
    expect(page.locator(".scale")).to_have_text(re.compile("^\\d+ µm$"))
    expect(page.locator(".scale")).to_have_attribute("aria-label", re.compile("the bar is \\d+ µm"))


def test_buttons_and_keys_zoom_pan_and_rotate(page: Page, address: str) -> None:
    opened(page, address)
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Rotate right").click()
    page.wait_for_url(re.compile("turn=90"))
    page.get_by_role("application").focus()
    before = page.url
    page.keyboard.press("ArrowRight")
    expect(page).not_to_have_url(before)
    page.keyboard.press("r")
    page.wait_for_url(re.compile("turn=180"))
    page.get_by_role("button", name="Show the whole slide").click()
    page.wait_for_url(re.compile("turn=0"))


def test_the_attention_lies_over_the_slide_with_an_opacity_of_choice(page: Page, address: str) -> None:
    opened(page, address)
    slider = page.get_by_label("Opacity of the attention")
    heat = page.locator("canvas.heat")
    expect(heat).to_have_css("opacity", "0.45")
    slider.fill("0")
    expect(heat).to_have_css("opacity", "0")
    plain = page.locator(".stage").screenshot()
    slider.fill("100")
    expect(heat).to_have_css("opacity", "1")
    assert page.locator(".stage").screenshot() != plain


def test_the_slide_is_asked_for_in_parts_and_never_as_a_whole(page: Page, address: str) -> None:
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    opened(page, address)
    squares = [url for url in urls if "_files/" in url]
    assert 0 < len(squares) < 200
    assert all(url.startswith((address, "blob:")) for url in urls)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 820, 1400])
def test_the_viewer_fits_every_window_in_both_themes(
    page: Page, axe: Axe, address: str, scheme: Literal["light", "dark"], width: int, pictures: Path
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, address)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe.findings(page) == []
    page.screenshot(path=pictures / f"viewer-{scheme}-{width}.png", full_page=True)


def test_the_page_says_that_a_slide_is_fetched_and_opens_it_then(page: Page, shown: ShownSlides) -> None:
    created, _, results, _, address = shown
    for name, data in mirax_slide("m", cc0_pixels()[:2304, :2048]).items():
        created.land(f"slides/MB-0050/{name}", data)
    (event,) = created.hint("slides/MB-0050/m.mrxs")
    show(results, event)
    page.goto(f"{address}/#/cases/MB-0050/slides/{event.slide.slide_id}")
    expect(page.get_by_text("is being fetched from the store")).to_be_visible()
    expect(page.get_by_role("application")).to_be_visible()
    eventually(lambda: is_drawn(page.locator(".stage")))


def test_parts_of_a_slide_are_asked_for_with_the_token_of_the_login(
    page: Page, shown: ShownSlides, tmp_path: Path
) -> None:
    own = Results(tmp_path)
    own.blobs = shown.results.blobs
    show(own, *shown.events)
    with OidcIssuer() as issuer:
        verifier = TokenVerifier(AuthSettings(issuer=issuer.url))
        with over_http(own, verifier, Login(issuer.url, "medulla-page"), shown.pixels) as guarded:
            page.goto(f"{guarded}/{VIEW}")
            page.get_by_role("button", name="Log in").click()
            expect(page.locator(".ranked li")).to_have_count(5)
            eventually(lambda: is_drawn(page.locator(".stage")))
    own.close()


def test_an_unknown_slide_says_so(page: Page, address: str) -> None:
    page.goto(f"{address}/#/cases/{CASE}/slides/none.svs")
    expect(page.get_by_role("alert")).to_contain_text("has no slide none.svs")


def test_a_slide_that_was_deleted_since_its_score_says_so(browser: Browser, results: Results) -> None:
    """On a page of its own, as the refusal is an error in the console."""
    results.score(samples.score("MB-0060"))
    with over_http(results, pixels=_Nobody()) as served, browser.new_page() as page:
        page.goto(f"{served}/#/cases/MB-0060/slides/A1")
        expect(page.get_by_role("alert")).to_contain_text("No such slide stands in the bucket")


class _Nobody:
    """Pixels that are never asked for."""

    def describe(self, slide: Slide, plan: Plan) -> DeepZoom | None:  # noqa: ARG002 - as the protocol has it
        raise AssertionError

    def read(self, slide: Slide, plan: Plan, square: Square, is_wanted: IsWanted) -> bytes:  # noqa: ARG002 - as the protocol has it
        raise AssertionError
