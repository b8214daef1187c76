"""The form of "what if" on the page of a case, answered by a scorer that remembers the questions."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from shared.units import CaseId
from tests.support import answers, questions
from tests.support.questions import FakeScorer
from tests.support.results import Results, over_http

CASE = "MB-0042"
PAUSE_MS = 200


@pytest.fixture
def scorer() -> FakeScorer:
    return FakeScorer()


@pytest.fixture
def form(page: Page, results: Results, scorer: FakeScorer) -> Iterator[Locator]:
    """The opened form of a scored case."""
    results.score(answers.answered(CASE))
    with over_http(results, scorer=scorer) as address:
        yield opened(page, address)


@pytest.fixture
def page_with_errors(browser: Browser) -> Iterator[Page]:
    """A page whose console may name refused requests."""
    with browser.new_context() as context:
        yield context.new_page()


def opened(page: Page, address: str) -> Locator:
    page.goto(f"{address}/#/cases/{CASE}")
    page.get_by_role("button", name="Try other values").click()
    return page.locator(".what-if form")


def headline(page: Page) -> Locator:
    return page.locator(".what-if").get_by_role("status")


def test_a_changed_value_is_answered_beside_the_stored_score_and_not_stored(
    page: Page, form: Locator, scorer: FakeScorer, results: Results
) -> None:
    expect(headline(page)).to_contain_text("These are the stored values.")
    form.get_by_label("Chang M stage").select_option("M0")
    expect(headline(page)).to_have_text(
        "Risk at 3 years: 24\u202f% (15\u201335\u202f%), stored 31\u202f% (22\u201343\u202f%)."
    )
    assert json.loads(scorer.questions[-1].clinical_json) == {
        "case_id": CASE,
        **questions.RECORD,
        "chang_m_stage": "M0",
    }
    expect(form.get_by_text("Stored: M2")).to_be_visible()
    expect(page.locator(".answer .chip")).to_have_text(["Not stored", "SIMULATED"])
    assert len(results.store.scores(CaseId(CASE))) == 1


def test_an_answer_shows_its_certainty_and_remarks(page: Page, form: Locator) -> None:
    form.get_by_label("MYC amplification").select_option("yes")
    answer = page.locator(".answer")
    expect(answer).to_contain_text("across the limit between two risk groups, so no group is given")
    expect(answer.locator(".chip")).to_have_text(["Not stored", "See remarks", "SIMULATED"])
    expect(answer.get_by_text("WNT tumours are hardly ever MYC-amplified.")).to_be_visible()


def test_slides_and_vectors_can_be_left_out_and_years_without_an_event_given(
    page: Page, form: Locator, scorer: FakeScorer
) -> None:
    form.get_by_label("Use slides").uncheck()
    expect(form.get_by_label("Use MRI texture")).to_have_count(0)
    form.get_by_label("Use blood counts").uncheck()
    form.get_by_label("Years without an event so far", exact=True).fill("2.5")
    expect(page.get_by_role("heading", name="If there is no event until 2.5 years")).to_be_visible()
    question = scorer.questions[-1]
    assert question.without_slides
    assert question.event_free_years == 2.5
    assert question.without_vectors == ["blood"]
    assert not question.HasField("clinical_json")


def test_a_refused_value_is_named_at_its_field(page_with_errors: Page, results: Results, scorer: FakeScorer) -> None:
    results.score(answers.answered(CASE))
    with over_http(results, scorer=scorer) as address:
        form = opened(page_with_errors, address)
        age = form.get_by_label("age at diagnosis (years)", exact=True)
        age.fill("130")
        problem = form.locator(".field", has_text="age at diagnosis").get_by_role("alert")
        expect(problem).to_have_text("Age_at_diagnosis_years is 130; allowed is 0 to 120.Correct the value.")
        expect(age).to_have_attribute("aria-invalid", "true")
        expect(headline(page_with_errors)).to_have_text("There is no answer to these values.")
        age.fill("12")
        expect(age).to_have_attribute("aria-invalid", "false")
        expect(problem).to_have_count(0)


def test_a_moving_slider_asks_once_and_reset_asks_no_more(page: Page, form: Locator, scorer: FakeScorer) -> None:
    page.clock.install()
    page.clock.pause_at("2100-01-01")
    slider = form.get_by_label("age at diagnosis (years), slider")
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.clock.run_for(PAUSE_MS)
    expect(headline(page)).to_contain_text("stored 31")
    assert len(scorer.questions) == 1
    expect(form.get_by_label("age at diagnosis (years)", exact=True)).to_have_value("4.6")
    form.get_by_role("button", name="Reset to the stored values").click()
    expect(headline(page)).to_contain_text("These are the stored values.")
    expect(form.get_by_label("age at diagnosis (years)", exact=True)).to_have_value("4.2")
    expect(form.get_by_role("button", name="Reset to the stored values")).to_be_disabled()
    assert len(scorer.questions) == 1


def test_an_abstained_answer_shows_no_number(page: Page, form: Locator, scorer: FakeScorer) -> None:
    scorer.abstains = True
    form.get_by_label("Use slides").uncheck()
    expect(headline(page)).to_have_text("No risk is given for these values.")
    expect(page.locator(".answer").get_by_text("The scorer abstained.")).to_be_visible()
    expect(page.locator(".answer .interval")).to_have_count(0)


def test_an_open_form_keeps_what_was_entered_when_the_case_changes(
    page: Page, form: Locator, results: Results, scorer: FakeScorer
) -> None:
    stage = form.get_by_label("Chang M stage")
    stage.select_option("M0")
    stage.focus()
    scorer.record["age_at_diagnosis_years"] = 7
    changed = answers.answered(CASE, "2")
    changed.risks[0].risk = 0.42
    results.score(changed, minutes=3)
    expect(headline(page)).to_contain_text("stored 42")
    expect(stage).to_have_value("M0")
    expect(form.get_by_label("age at diagnosis (years)", exact=True)).to_have_value("7")
    expect(stage).to_be_focused()


def test_a_service_without_a_scorer_has_no_form_but_a_sentence(page_with_errors: Page, results: Results) -> None:
    results.score(answers.answered(CASE))
    with over_http(results) as address:
        opened(page_with_errors, address)
        expect(page_with_errors.locator(".what-if").get_by_role("alert")).to_contain_text("Nothing matches")
