"""The page of results where a login is asked for, in a real browser against a real issuer."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, expect

from services.results.rest import Login
from shared.rpc.auth import TokenVerifier
from shared.settings import AuthSettings
from tests.support.oidc_issuer import OidcIssuer
from tests.support.results import Results, over_http


@pytest.fixture
def issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer() as opened:
        yield opened


@pytest.fixture
def guarded(filled: Results, issuer: OidcIssuer) -> Iterator[str]:
    """The application's address where a login is asked for."""
    with ExitStack() as stack:
        verifier = TokenVerifier(AuthSettings(issuer=issuer.url, leeway_s=0))
        yield stack.enter_context(over_http(filled, verifier, Login(issuer.url, "medulla-page")))


def test_a_login_leads_back_to_the_case_that_was_asked_for(page: Page, guarded: str) -> None:
    page.goto(f"{guarded}/#/cases/MB-0042")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert "MB-0042" not in page.locator("main").inner_text()
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="MB-0042")).to_be_visible()
    expect(page.locator("canvas.heat").first).to_be_visible()
    assert "code=" not in page.url
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0


def test_an_answer_to_a_login_that_was_not_started_here_is_refused(page: Page, guarded: str) -> None:
    page.goto(f"{guarded}/?code=stolen&state=made-up")
    expect(page.get_by_text("This login was not started here")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_an_expired_token_leads_back_to_the_login(browser: Browser, guarded: str, issuer: OidcIssuer) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(guarded)
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.evaluate("token => sessionStorage.setItem('medulla.token', token)", issuer.token(exp=1))
    page.reload()
    expect(page.get_by_text("The token has expired.")).to_be_visible()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    context.close()


def test_a_login_that_ends_while_a_case_is_shown_is_offered_again(page: Page, guarded: str, issuer: OidcIssuer) -> None:
    issuer.lifetime_s = 6
    page.goto(f"{guarded}/#/cases/MB-0042")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="MB-0042")).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text="Your login has ended")).to_be_visible(timeout=20_000)
    assert page.get_by_role("heading", name="MB-0042").is_visible()
    issuer.lifetime_s = 300
    page.get_by_role("button", name="Log in again").click()
    expect(page.get_by_text("Your login has ended")).to_have_count(0)
    expect(page.get_by_role("heading", name="MB-0042")).to_be_visible()
    assert "code=" not in page.url
