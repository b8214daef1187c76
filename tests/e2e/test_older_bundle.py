"""The page says on every view that an older bundle is in use, as long as a scorer cannot use the promoted one."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from services.fusion_scorer.last_good import LastGood
from services.fusion_scorer.promoted import Bundles, promote
from shared.canonical import canonical_json
from shared.model_keys import CURRENT_BUNDLE
from tests.support.fusion import write_bundle
from tests.support.page_text import FAINT
from tests.support.results import Results


@pytest.fixture
def bundles(filled: Results, tmp_path: Path) -> Bundles:
    """Those of a scorer that used the bundle `toy` until a bad one was promoted."""
    bundles = Bundles(filled.blobs, last_good=LastGood(filled.blobs))
    promote(filled.blobs, write_bundle(tmp_path / "toy", entries={"name": "toy"}))
    bundles.promoted(waits=True)
    filled.blobs.put(CURRENT_BUNDLE, canonical_json({"digest": "f" * 64, "name": "never"}))
    bundles.promoted(waits=True)
    return bundles


def test_every_view_says_that_an_older_bundle_is_in_use_and_why_until_a_good_one_is_promoted(
    page: Page, filled: Results, address: str, bundles: Bundles, tmp_path: Path
) -> None:
    notice = page.locator("#refused-bundle")
    for view in ("", "#/cases/MB-0042", "#/operations"):
        page.goto(f"{address}/{view}")
        expect(notice).to_be_visible()
        expect(notice).to_have_text(
            re.compile(
                "Older model in use. The promoted bundle cannot be used, and toy stays in use: models/bundles/f{64}/"
            )
        )
        expect(page.locator("main h1")).to_be_visible()
        assert page.evaluate(FAINT) == []
    promote(filled.blobs, write_bundle(tmp_path / "newer", entries={"name": "newer"}))
    bundles.promoted(waits=True)
    page.get_by_role("link", name="Medulla, all cases").click()
    expect(page.get_by_role("heading", name="Cases", level=1)).to_be_visible()
    expect(notice).to_be_hidden()


def test_a_page_whose_scorer_uses_the_promoted_bundle_says_nothing_of_older_ones(page: Page, address: str) -> None:
    with page.expect_response("**/api/v1/bundle") as answered:
        page.goto(address)
    assert answered.value.json()["refused"] == ""
    expect(page.locator("#refused-bundle")).to_be_hidden()
