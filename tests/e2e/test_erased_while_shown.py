"""A case that is erased while its page and a slide of it are open in other windows."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from shared.erased import ErasedCases
from shared.units import CaseId
from tests.support.viewer_page import CASE, opened, shown_slides

_STREAM = "**/api/v1/progress*"


@pytest.mark.parametrize("is_interrupted", [False, True], ids=["told-at-once", "told-when-the-stream-is-back"])
def test_a_case_and_its_slide_are_shown_no_longer_once_the_case_is_erased(
    browser: Browser, tmp_path: Path, is_interrupted: bool
) -> None:
    with shown_slides(tmp_path) as shown, browser.new_context() as context:
        if is_interrupted:
            context.route(_STREAM, lambda route: route.abort())
        case, slide = context.new_page(), context.new_page()
        case.goto(f"{shown.address}/#/cases/{CASE}")
        expect(case.get_by_role("heading", name="Risk of recurrence")).to_be_visible()
        opened(slide, shown.address)
        assert ErasedCases(shown.results.blobs).add(CaseId(CASE))
        assert shown.results.store.erase(CaseId(CASE))
        if is_interrupted:
            context.unroute(_STREAM)
        for page in (case, slide):
            expect(page.get_by_role("alert")).to_contain_text(f"Case {CASE} is no longer stored; it was erased.")
        expect(slide.locator("canvas")).to_have_count(0)
        expect(case.locator("section")).to_have_count(0)
