"""Accessibility of everything that people see, by axe-core: at three widths, in light and dark."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from medulla.v1.scorer_pb2 import Score
from playwright.sync_api import Page, expect

from services.results.ports import NoteRecord
from services.results.rest import Login
from services.standalone.pictures import data_uri
from services.standalone.report_page import SlidePage, render
from services.trainer.monitoring.chart import Design
from services.trainer.monitoring.monitor import monitor
from services.trainer.monitoring.page import write_page as write_monitoring
from services.trainer.profile import load_profile
from services.trainer.report.page import write_page as write_evaluation
from shared.bus.dead_letters import to_dead_letter
from shared.bus.port import Delivery, Record
from shared.canonical import sha256
from shared.errors import PoisonMessageError
from shared.rescoring import RescoringProgress, RescoringRequest
from shared.rpc.auth import TokenVerifier
from shared.settings import AuthSettings
from shared.units import CaseId, Sha256
from tests.support import scores as samples
from tests.support.axe import Axe
from tests.support.monitoring import stream
from tests.support.oidc_issuer import OidcIssuer
from tests.support.questions import FakeScorer
from tests.support.reports import drawn_report
from tests.support.results import Results, over_http, thumbnail
from tests.support.waiting import waiting_list

_WIDTHS = (380, 820, 1400)
_PICTURE = data_uri(thumbnail(), "image/jpeg")
Check = Callable[..., None]


@pytest.fixture(params=["light", "dark"])
def check(page: Page, axe: Axe, request: pytest.FixtureRequest) -> Check:
    """Opens an address, clicks a button, waits for an element, and checks the page at every width."""
    page.emulate_media(color_scheme=request.param)

    def check(address: str, selector: str, button: str = "") -> None:
        page.goto(address)
        if button:
            page.get_by_role("button", name=button).click()
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


def test_axe_finds_nothing_on_a_form_of_what_if(check: Check, filled: Results) -> None:
    with over_http(filled, scorer=FakeScorer()) as served:
        check(f"{served}/#/cases/MB-0042", ".what-if .headline", "Try other values")


def test_axe_finds_nothing_on_notes_and_timeline(check: Check, filled: Results, address: str) -> None:
    body = '{"note_id": "n", "case_id": "MB-0042", "kind": "disagrees", "author": "u", "text": "Necrotic."}'
    note = NoteRecord(CaseId("MB-0042"), "n", body, sha256(body.encode()), samples.at(9))
    assert filled.store.record_note(note)
    check(f"{address}/#/cases/MB-0042", ".timeline li")


def test_axe_finds_nothing_on_the_operators_page(check: Check, page: Page, filled: Results, address: str) -> None:
    delivery = Delivery(Record("cases.scored", "MB-0042", b"no event"), 0, 7)
    filled.bus.producer().send([to_dead_letter(delivery, PoisonMessageError("the bytes are no event"), "results")])
    filled.waiting = waiting_list()
    request = RescoringRequest(samples.at(5), Sha256("ab" * 32))
    filled.rescoring = RescoringProgress(request, waiting=400, requested=1000, elapsed_s=600)
    check(f"{address}/#/operations", ".rescoring progress")
    expect(page.locator(".rescoring")).to_contain_text("600 of 1,000 cases done")
    expect(page.locator(".waiting li + li")).to_be_visible()
    expect(page.locator(".letters li")).to_be_visible()


def test_axe_finds_nothing_where_a_login_is_asked_for(check: Check, login_address: str) -> None:
    check(login_address, "h1")


@pytest.mark.parametrize("score", [samples.score(), samples.remarkable(), samples.abstained("MB-0043")])
def test_axe_finds_nothing_in_the_report_of_a_score(check: Check, tmp_path: Path, score: Score) -> None:
    slides = [
        SlidePage(s, _PICTURE, _PICTURE, "highest 1 %", [_PICTURE] * len(s.top_tiles), True) for s in score.slides
    ]
    report = tmp_path / "report.html"
    report.write_text(render(score, slides), encoding="utf-8")
    check(report.as_uri(), "h1")


def test_axe_finds_nothing_in_the_report_of_an_evaluation(check: Check, tmp_path: Path) -> None:
    write_evaluation(drawn_report(), tmp_path)
    check((tmp_path / "report.html").as_uri(), "h1")


def test_axe_finds_nothing_in_the_report_of_monitoring(check: Check, tmp_path: Path) -> None:
    write_monitoring(monitor(*stream(60, 3.0, 1), load_profile(), Design()), tmp_path)
    check((tmp_path / "monitor.html").as_uri(), "h1")
