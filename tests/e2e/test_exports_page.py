"""Files of a score from its page, and its older scores."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import answers
from tests.support import scores as samples
from tests.support.results import Results, over_http

CASE = "MB-0042"


@pytest.fixture
def address(results: Results) -> Iterator[str]:
    """A case of two slides, one of them DICOM, with an older score that crosses the threshold."""
    results.score(answers.uncertain(CASE, "crosses_threshold"), minutes=1)
    score = samples.score(CASE, "2", slides=("A1", "D2"))
    score.certainty.state = "clear"
    score.slides[1].mpp_source = "dicom.PixelSpacing"
    results.score(score, minutes=4)
    with over_http(results) as served:
        yield f"{served}/#/cases/{CASE}"


def saved(page: Page, button: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).press("Enter")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_a_score_is_saved_as_files_by_keyboard(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(address)
    report = saved(page, "Report (PDF)", tmp_path)
    assert (report.name, report.read_bytes()[:5]) == (f"{CASE}.pdf", b"%PDF-")
    document = json.loads(saved(page, "FHIR document", tmp_path).read_bytes())
    assert (document["resourceType"], document["type"]) == ("Bundle", "document")
    assert saved(page, "DICOM report", tmp_path).read_bytes()[128:132] == b"DICM"
    attention = saved(page, "Attention on A1 for QuPath", tmp_path)
    assert attention.name == f"{CASE}.A1.geojson"
    assert json.loads(attention.read_bytes())["type"] == "FeatureCollection"
    expect(page.get_by_text(f"{CASE}.A1.geojson is saved by the browser.")).to_be_visible()


def test_a_map_for_dicom_viewers_is_offered_for_dicom_slides_only(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("button", name="Attention on D2 as DICOM")).to_be_visible()
    expect(page.get_by_role("button", name="Attention on A1 as DICOM")).to_have_count(0)


def test_a_file_that_cannot_be_exported_is_answered_with_the_reason(browser: Browser, address: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_role("button", name="Attention on D2 as DICOM").click()
        refusal = page.get_by_role("alert").get_by_text("Slide D2 is no DICOM slide that stands with its geometry")
        expect(refusal).to_be_visible()


def test_an_older_score_between_groups_has_a_certainty_and_no_group(page: Page, address: str) -> None:
    page.goto(address)
    cells = page.get_by_label("Table of older scores").locator("tbody td")
    expect(cells.nth(2)).to_have_text("\u2014")
    expect(cells.nth(3)).to_have_text("Between risk groups")


def test_older_scores_fit_a_phone(page: Page, address: str, pictures: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address)
    older = page.get_by_role("group", name="Table of older scores")
    expect(older).to_contain_text("Between risk groups")
    assert older.evaluate("table => table.scrollWidth <= table.clientWidth")
    older.screenshot(path=pictures / "older-390.png")
