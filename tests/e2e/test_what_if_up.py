"""The answer and "what if" of a real case in `medulla up`, by keyboard alone."""

from playwright.sync_api import Locator, Page, expect

from tests.support.laptop import DEMO_CASE, Laptop
from tests.support.page_text import percent

MOST_TABS = 30


def tab_to(page: Page, target: Locator) -> None:
    """Move the focus to an element with the Tab key."""
    for _ in range(MOST_TABS):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("the Tab key does not lead there")


def test_the_page_shows_the_risks_of_a_real_score_and_what_the_slides_moved(page: Page, demo_up: Laptop) -> None:
    score = demo_up.score(DEMO_CASE)
    page.goto(demo_up.address(f"/#/cases/{DEMO_CASE}"))
    expect(page.locator(".curve .mark")).to_have_text([percent(risk) for risk in score["risks"]])
    beside = page.locator(".compared", has_text="With slides as well, the risk").locator(".figure b")
    expect(beside).to_have_text([percent(score["record_only"]["risks"][0]), percent(score["risks"][0])])
    expect(page.locator(".event-free tbody tr")).to_have_count(3)
    expect(page.locator(".missing li")).to_have_count(len(score["missing_variables"]))


def test_other_values_are_tried_with_the_keyboard_and_nothing_is_stored(page: Page, demo_up: Laptop) -> None:
    before = demo_up.get(f"/api/v1/cases/{DEMO_CASE}/scores")
    page.goto(demo_up.address(f"/#/cases/{DEMO_CASE}"))
    headline, form = page.locator(".what-if").get_by_role("status"), page.locator(".what-if form")
    page.get_by_role("button", name="Try other values").focus()
    page.keyboard.press("Enter")
    expect(headline).to_contain_text("These are the stored values.")
    tab_to(page, form.get_by_label("MYC amplification", exact=True))
    page.keyboard.press("ArrowDown")
    expect(headline).to_contain_text(f"stored {percent(demo_up.score(DEMO_CASE)['risks'][0])}")
    expect(page.locator(".answer").get_by_text("MYC amplification")).to_be_visible()
    tab_to(page, form.get_by_label("Use slides"))
    page.keyboard.press("Space")
    expect(page.locator(".answer .chip", has_text="No slides")).to_be_visible()
    tab_to(page, form.get_by_role("button", name="Reset to the stored values"))
    page.keyboard.press("Enter")
    expect(headline).to_contain_text("These are the stored values.")
    assert demo_up.get(f"/api/v1/cases/{DEMO_CASE}/scores") == before
