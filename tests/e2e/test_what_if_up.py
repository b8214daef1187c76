"""The answer and "what if" of a real case in `medulla up`, by keyboard alone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support import slides
from tests.support.laptop import PATIENCE_S, Laptop, laptop
from tests.support.page_text import percent
from tests.support.polling import wait_for
from tests.support.system import CLINICAL

CASE = "DEMO-001"
MOST_TABS = 30


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A watched folder with the scored demo case."""
    with laptop(tmp_path_factory.mktemp("what-if")) as running:
        running.land(f"slides/{CASE}/a.svs", slides.cc0_bytes())
        running.land(f"clinical/{CASE}.json", CLINICAL.read_bytes())
        assert wait_for(lambda: running.score(CASE).get("model") == "fused", PATIENCE_S)
        yield running


def tab_to(page: Page, target: Locator) -> None:
    """Move the focus to an element with the Tab key."""
    for _ in range(MOST_TABS):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("the Tab key does not lead there")


def test_the_page_shows_the_risks_of_a_real_score_and_what_the_slides_moved(page: Page, up: Laptop) -> None:
    score = up.score(CASE)
    page.goto(f"http://127.0.0.1:{up.port}/#/cases/{CASE}")
    expect(page.locator(".curve .mark")).to_have_text([percent(risk) for risk in score["risks"]])
    beside = page.locator(".compared", has_text="With slides as well, the risk").locator(".figure b")
    expect(beside).to_have_text([percent(score["record_only"]["risks"][0]), percent(score["risks"][0])])
    expect(page.locator(".event-free tbody tr")).to_have_count(3)
    expect(page.locator(".missing li")).to_have_count(len(score["missing_variables"]))


def test_other_values_are_tried_with_the_keyboard_and_nothing_is_stored(page: Page, up: Laptop) -> None:
    before = up.get(f"/api/v1/cases/{CASE}/scores")
    page.goto(f"http://127.0.0.1:{up.port}/#/cases/{CASE}")
    headline, form = page.locator(".what-if").get_by_role("status"), page.locator(".what-if form")
    page.get_by_role("button", name="Try other values").focus()
    page.keyboard.press("Enter")
    expect(headline).to_contain_text("These are the stored values.")
    tab_to(page, form.get_by_label("MYC amplification", exact=True))
    page.keyboard.press("ArrowDown")
    expect(headline).to_contain_text(f"stored {percent(up.score(CASE)['risks'][0])}")
    expect(page.locator(".answer").get_by_text("MYC amplification")).to_be_visible()
    tab_to(page, form.get_by_label("Use slides"))
    page.keyboard.press("Space")
    expect(page.locator(".answer .chip", has_text="No slides")).to_be_visible()
    tab_to(page, form.get_by_role("button", name="Reset to the stored values"))
    page.keyboard.press("Enter")
    expect(headline).to_contain_text("These are the stored values.")
    assert up.get(f"/api/v1/cases/{CASE}/scores") == before
