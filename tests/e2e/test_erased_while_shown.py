"""A case that is erased while its page, a slide of it and the list are open in other windows."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from shared.erased import ErasedCases
from shared.units import CaseId
from tests.support.viewer_page import CASE, opened, shown_slides

_STREAM = "**/api/v1/progress*"


@pytest.mark.parametrize("is_interrupted", [False, True], ids=["at-once", "after-reconnecting"])
def test_a_case_its_slide_and_its_row_are_shown_no_longer_once_the_case_is_erased(
    browser: Browser, tmp_path: Path, is_interrupted: bool
) -> None:
    with shown_slides(tmp_path) as shown, browser.new_context() as context:
        if is_interrupted:
            context.route(_STREAM, lambda route: route.abort())
        case, slide, cases = context.new_page(), context.new_page(), context.new_page()
        cases.goto(f"{shown.address}/")
        expect(cases.get_by_role("link", name=CASE)).to_be_visible()
        case.goto(f"{shown.address}/#/cases/{CASE}")
        expect(case.get_by_role("heading", name="Risk of recurrence")).to_be_visible()
        opened(slide, shown.address)
        assert ErasedCases(shown.results.blobs).add(CaseId(CASE))
        assert shown.results.store.erase(CaseId(CASE))
        if is_interrupted:
            context.unroute(_STREAM)
        for page in (case, slide):
            expect(page.get_by_role("alert")).to_contain_text(f"Case {CASE} is no longer stored; it was erased.")
        expect(cases.get_by_text("This case was erased.")).to_be_visible()
        assert CASE not in cases.inner_text("body")
        expect(slide.locator("canvas")).to_have_count(0)
        expect(case.locator("section")).to_have_count(0)
