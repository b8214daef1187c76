"""Accessibility of everything that people see, by axe-core: at three widths, in light and dark."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from medulla.v1.scorer_pb2 import Score
from playwright.sync_api import Page, expect

from services.results.rest import Login
from services.standalone.pictures import data_uri
from services.standalone.report_page import SlidePage, render
from shared.rpc.auth import TokenVerifier
from shared.settings import AuthSettings
from tests.support import scores as samples
from tests.support.axe import Axe
from tests.support.oidc_issuer import OidcIssuer
from tests.support.results import Results, over_http, thumbnail

_WIDTHS = (380, 820, 1400)
_PICTURE = data_uri(thumbnail(), "image/jpeg")
Check = Callable[[str, str], None]


@pytest.fixture(params=["light", "dark"])
def check(page: Page, axe: Axe, request: pytest.FixtureRequest) -> Check:
    """Opens an address, waits for an element, and checks the page at every width."""
    page.emulate_media(color_scheme=request.param)

    def check(address: str, selector: str) -> None:
        page.goto(address)
        expect(page.locator(selector).first).to_be_visible()
        for width in _WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert axe.findings(page) == []

    return check


@pytest.fixture
def login_address(filled: Results) -> Iterator[str]:
    with OidcIssuer() as issuer, ExitStack() as stack:
        verifier = TokenVerifier(AuthSettings(issuer=issuer.url))
        yield stack.enter_context(over_http(filled, verifier, Login(issuer.url, "medulla-page")))


def test_axe_finds_nothing_on_the_list_of_cases(check: Check, filled: Results, address: str) -> None:
    filled.score(samples.remarkable("MB-0044"), minutes=6)
    check(address, ".cases")


@pytest.mark.parametrize("case", ["MB-0042", "MB-0043", "MB-0044", "MB-0099", "MB-0100"])
def test_axe_finds_nothing_on_a_case(check: Check, filled: Results, address: str, case: str) -> None:
    filled.score(samples.remarkable("MB-0044"), minutes=6)
    check(f"{address}/#/cases/{case}", ".title")


def test_axe_finds_nothing_where_a_login_is_asked_for(check: Check, login_address: str) -> None:
    check(login_address, "h1")


@pytest.mark.parametrize("score", [samples.score(), samples.remarkable(), samples.abstained("MB-0043")])
def test_axe_finds_nothing_in_the_report_of_a_score(check: Check, tmp_path: Path, score: Score) -> None:
    slides = [SlidePage(s, _PICTURE, _PICTURE, "highest 1 %", [_PICTURE] * len(s.top_tiles)) for s in score.slides]
    report = tmp_path / "report.html"
    report.write_text(render(score, slides), encoding="utf-8")
    check(report.as_uri(), "h1")
