"""The answer on the page of a case: certainty, risk over time, comparisons, contributions and missing values."""

import io
import re
from collections.abc import Iterator

import pypdf
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from shared.export import risk_text
from tests.support import answers
from tests.support import scores as samples
from tests.support.page_text import HOSTILE
from tests.support.results import Results, over_http

CASE = "MB-0042"


@pytest.fixture
def address(results: Results) -> Iterator[str]:
    results.score(answers.answered(CASE))
    with over_http(results) as served:
        yield f"{served}/#/cases/{CASE}"


def section(page: Page, heading: str) -> Locator:
    return page.locator("section", has=page.get_by_role("heading", name=heading, exact=True, level=2))


def test_a_clear_score_shows_its_group_and_what_the_limit_means_behind_it(page: Page, address: str) -> None:
    page.goto(address)
    risk = section(page, "Risk of recurrence")
    expect(risk.locator(".group")).to_have_text("higher risk of recurrence")
    expect(risk.get_by_text(answers.RULE)).to_be_hidden()
    risk.get_by_text("What this group means").click()
    expect(risk.get_by_text(answers.RULE)).to_be_visible()
    expect(page.locator(".title .chip")).to_have_text(["Scored", "SIMULATED"])


@pytest.mark.parametrize(
    ("state", "label", "sentence"),
    [
        ("crosses_threshold", "Between risk groups", "across the limit between two risk groups, so no group is given"),
        (
            "too_uncertain",
            "Too uncertain for a group",
            "is so wide that it says little about this patient, so no group is given",
        ),
    ],
)
def test_an_uncertain_score_has_a_state_of_its_own_and_no_group(
    page: Page, results: Results, state: str, label: str, sentence: str
) -> None:
    results.score(answers.uncertain(CASE, state))
    with over_http(results) as address:
        page.goto(f"{address}/#/cases/{CASE}")
        expect(page.locator(".title .chip")).to_have_text([label, "SIMULATED"])
        risk = section(page, "Risk of recurrence")
        expect(risk.locator(".standing")).to_contain_text(sentence)
        expect(page.locator(".group")).to_have_count(0)
        expect(page.locator(".timeline li").first).to_be_visible()
        expect(page.locator(".chip.good")).to_have_count(0)
        risk.get_by_text("Why there is no group").click()
        expect(risk.get_by_text("The 90% interval at 3 years, 3 to 98%, holds the limit of 25%.")).to_be_visible()


def test_the_page_calls_a_group_of_an_older_bundle_as_reports_do(page: Page, results: Results) -> None:
    score = samples.score(CASE)
    score.risk_group = "above threshold"
    results.score(score)
    with over_http(results) as address:
        page.goto(f"{address}/#/cases/{CASE}")
        expect(section(page, "Risk of recurrence").locator(".group")).to_have_text(risk_text.group(score))
        expect(page.get_by_text("above threshold", exact=True)).to_have_count(0)
        expect(page.get_by_role("heading", name="Risk over time")).to_have_count(0)
        expect(page.get_by_role("heading", name="For comparison")).to_have_count(0)


def test_the_curve_passes_through_the_risks_at_the_horizons(page: Page, address: str) -> None:
    page.goto(address)
    over_time = section(page, "Risk over time")
    curve = over_time.get_by_role("img", name="Cumulative incidence of relapse over time")
    expect(curve.locator("desc")).to_have_text(
        "31\u202f% by 3 years (22\u201343\u202f%); 38\u202f% by 5 years (27\u201351\u202f%)"
    )
    points = curve.locator("polyline").get_attribute("points") or ""
    heights = {float(x): float(y) for x, y in (point.split(",") for point in points.split(" "))}
    assert heights[50.0] == pytest.approx(69)
    assert float((curve.locator(".point").first.get_attribute("cy") or "").rstrip("%")) == pytest.approx(69)


def test_the_curve_in_numbers_has_a_row_each_half_year(page: Page, address: str) -> None:
    page.goto(address)
    numbers = section(page, "Risk over time").locator(".numbers")
    numbers.locator("summary").click()
    expect(numbers.locator("tbody tr")).to_have_count(12)
    expect(numbers.locator("tbody tr").nth(5)).to_contain_text("3 years31\u202f%22\u201342\u202f%")


def test_the_risk_after_years_without_an_event_is_a_table_and_a_curve(page: Page, address: str) -> None:
    page.goto(address)
    over_time = section(page, "Risk over time")
    expect(over_time.locator(".event-free tbody tr")).to_have_text(
        [
            "1 year24\u202f% (14\u201336\u202f%)31\u202f% (19\u201347\u202f%)",
            "2 years14\u202f% (8\u201321\u202f%)23\u202f% (14\u201335\u202f%)",
            "3 years\u201412\u202f% (7\u201318\u202f%)",
        ]
    )
    over_time.get_by_label("Counted from").select_option("no event until 2 years")
    expect(over_time.locator(".curve .mark")).to_have_text(["14\u202f%", "23\u202f%"])
    points = over_time.locator("polyline").get_attribute("points") or ""
    assert points.startswith("33.33")
    assert points.split(" ")[0].endswith(",100")


def test_the_case_is_compared_with_the_cohort_the_record_and_the_rule(page: Page, address: str) -> None:
    page.goto(address)
    compared = section(page, "For comparison")
    expect(compared.get_by_role("img", name=re.compile("^Half of the 240 patients"))).to_be_visible()
    expect(compared).to_contain_text("With slides as well, the risk moves from 27\u202f% to 31\u202f% at 3 years.")
    expect(compared.get_by_text("The rule calls this case high risk.")).to_be_visible()
    expect(compared.get_by_text("stage > M0 or age < 3")).to_be_hidden()
    compared.get_by_text("The rule", exact=True).click()
    expect(compared.get_by_text("stage > M0 or age < 3")).to_be_visible()


def test_what_is_missing_is_listed_by_how_far_it_could_move_the_risk(page: Page, address: str) -> None:
    page.goto(address)
    expect(section(page, "What is missing").locator("li")).to_have_text(
        [
            "MYC amplification30\u202f% (no) to 62\u202f% (yes)",
            "extent of resection29\u202f% (GTR) to 41\u202f% (STR)",
        ]
    )


def test_contributions_have_one_scale_for_all_cases_and_arrows_beyond_it(page: Page, results: Results) -> None:
    results.score(answers.answered("MB-1"))
    results.score(answers.beyond("MB-2"))
    widths = []
    with over_http(results) as address:
        for case, arrows in (("MB-1", 0), ("MB-2", 2)):
            page.goto(f"{address}/#/cases/{case}")
            row = section(page, "What moved the risk").locator("tbody tr", has_text="chang m stage")
            expect(row).to_contain_text("\u00d71.34")
            expect(page.locator(".moves .beyond")).to_have_count(arrows)
            widths.append(row.locator("rect").get_attribute("width"))
        expect(page.locator(".moves tbody .ratio").first).to_have_text("\u00d714.88")
        expect(page.locator(".ratios text")).to_have_text(["\u215b", "\u00bc", "\u00bd", "1", "2", "4", "8"])
    assert widths[0] == widths[1]


def test_hostile_text_of_an_answer_stays_text(page: Page, results: Results) -> None:
    score = answers.uncertain(CASE, "crosses_threshold")
    score.risk_group_rule = score.certainty.rule = score.rule.expression = score.rule.sentence = HOSTILE
    score.record_only.modalities[:] = [HOSTILE]
    missing = score.missing_variables[0]
    missing.label = missing.lo_value = missing.hi_value = HOSTILE
    results.score(score)
    with over_http(results) as address:
        page.goto(f"{address}/#/cases/{CASE}")
        expect(page.locator(".missing").get_by_text(HOSTILE).first).to_be_visible()
        assert page.title() == f"{CASE} \u2013 Medulla"
        assert page.locator("main script, main img").count() == 0


def test_numbers_and_dates_follow_the_locale(browser: Browser, address: str) -> None:
    context = browser.new_context(locale="de-DE", timezone_id="Europe/Berlin")
    page = context.new_page()
    page.goto(address)
    expect(page.locator(".moves tbody .ratio").first).to_have_text("\u00d71,40")
    expect(page.locator(".pairs div", has_text="As of").locator("dd")).to_have_text("02.03.2026, 10:01")
    context.close()


def test_a_case_prints_on_two_sheets_without_form_and_curve_in_numbers(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("canvas.heat").first).to_be_visible()
    page.emulate_media(media="print", color_scheme="light")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.get_by_text(answers.RULE)).to_be_visible()
    expect(page.get_by_role("heading", name="What if")).to_be_hidden()
    expect(page.locator(".numbers")).to_be_hidden()
    sheets = pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages
    assert len(sheets) == 2
    for sheet in sheets:
        words = sheet.extract_text()
        assert "Research use only." in words
        assert "SIMULATED." in words
