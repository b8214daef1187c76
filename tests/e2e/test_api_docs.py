"""The page of the OpenAPI description in a real browser: from the service alone, under its content security policy."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect


def test_the_footer_leads_to_the_description_which_needs_no_network(page: Page, address: str) -> None:
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.goto(address)
    page.get_by_role("link", name="REST API").click()
    expect(page.locator("#operations-cases-list_cases_api_v1_cases_get")).to_be_visible()
    expect(page.get_by_text("Research use only").first).to_be_visible()
    assert all(url.startswith(address) for url in urls)


def test_a_route_can_be_tried_on_the_page(page: Page, address: str) -> None:
    page.goto(f"{address}/api/docs")
    route = page.locator("#operations-cases-get_case_api_v1_cases__case_id__get")
    route.locator(".opblock-summary-control").click()
    route.get_by_role("button", name="Try it out").click()
    route.get_by_placeholder("case_id").fill("MB-0042")
    route.get_by_role("button", name="Execute").click()
    expect(route.locator(".live-responses-table")).to_contain_text("CASE_STATE_SCORED")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 820, 1400])
def test_the_description_fits_every_window(
    page: Page, address: str, scheme: Literal["light", "dark"], width: int, pictures: Path
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}/api/docs")
    expect(page.locator(".opblock").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=pictures / f"docs-{scheme}-{width}.png")
