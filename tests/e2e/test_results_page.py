"""The page of results in a real browser: what it shows, what it must not show, and not one error in its console."""

import re

from medulla.v1.events_pb2 import STAGE_DOWNLOADING
from medulla.v1.scorer_pb2 import TopTile
from playwright.sync_api import Page, expect

from tests.support import scores as samples
from tests.support.page_text import HOSTILE
from tests.support.results import Results, attention_map, over_http, thumbnail

_PIXELS = "c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
_OPAQUE = f"c => [...{_PIXELS}].filter((value, i) => i % 4 === 3 && value).length"


def row(page: Page, case: str) -> str:
    return page.locator(".cases tbody tr", has_text=case).inner_text()


def test_the_list_shows_state_risk_group_and_flags(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("link", name="MB-0042")).to_be_visible()
    scored = row(page, "MB-0042")
    assert all(
        text in scored for text in ("Scored", "31\u202f%", "22\u201343\u202f%", "High", "Refused input", "SIMULATED")
    )
    assert "Rejected" in row(page, "MB-0099")
    expect(page.locator("tr", has_text="MB-0100").locator("progress")).to_have_attribute("value", "130")


def test_every_view_says_research_use_only_and_simulated(page: Page, address: str) -> None:
    for path in ("/", "/#/cases/MB-0042", "/#/cases/MB-0043"):
        page.goto(address + path)
        expect(page.get_by_text("Research use only.")).to_be_visible()
        expect(page.get_by_text("The model was fitted on simulated patients")).to_be_visible()


def test_a_case_that_is_not_simulated_is_not_called_so(page: Page, results: Results) -> None:
    score = samples.score("MB-1")
    score.simulated = False
    results.score(score)
    with over_http(results) as address:
        page.goto(f"{address}/#/cases/MB-1")
        expect(page.get_by_role("heading", name="Risk of recurrence")).to_be_visible()
        expect(page.locator("#simulated")).to_be_hidden()
        expect(page.locator(".chip.sim")).to_have_count(0)


def test_a_case_shows_its_risk_and_what_it_rests_on(page: Page, address: str) -> None:
    page.goto(f"{address}/#/cases/MB-0042")
    risks = page.locator("section", has=page.get_by_role("heading", name="Risk of recurrence"))
    expect(risks.locator(".big")).to_have_text(["31\u202f%", "38\u202f%"])
    expect(risks.locator(".between")).to_have_text(["22\u201343\u202f%", "27\u201351\u202f%"])
    expect(risks.get_by_role("img", name="Risk at 3 years: 31\u202f%, 22\u201343\u202f%")).to_be_visible()
    page.get_by_text("What this group means").click()
    expect(page.get_by_text("Risk at 3 years is 0.31; high from 0.25 upward.")).to_be_visible()
    expect(page.locator(".moves tbody tr")).to_have_count(6)
    expect(page.locator(".moves tbody tr").first).to_contain_text("\u00d71.40")
    expect(page.get_by_text("82nd of the training cohort")).to_be_visible()
    expect(page.locator(".refused").get_by_text("has no tissue: 0.0 mm2 found")).to_be_visible()
    expect(page.get_by_text("scan the slide again")).to_be_visible()
    page.get_by_text("bundle demo-simulated").click()
    expect(page.get_by_text(samples.digest("bundle"))).to_be_visible()
    expect(page.locator("section", has_text="Older scores").locator("tbody tr")).to_have_count(1)


def test_the_attention_map_lies_over_the_thumbnail(page: Page, address: str) -> None:
    page.goto(f"{address}/#/cases/MB-0042")
    slide = page.locator("article", has_text="Slide A1")
    layers = slide.locator(".stack canvas")
    expect(layers).to_have_count(3)
    sizes = layers.evaluate_all("all => all.map(c => `${c.width}x${c.height} ${c.clientWidth}x${c.clientHeight}`)")
    assert len(set(sizes)) == 1
    assert all(layers.nth(n).evaluate(_OPAQUE) > 100 for n in range(3))
    heat = slide.locator("canvas.heat")
    slide.get_by_label("Opacity of the attention map").fill("20")
    expect(heat).to_have_css("opacity", "0.2")
    slide.get_by_label("Mark top tiles").uncheck()
    expect(layers.nth(2)).to_be_hidden()
    expect(slide.locator(".tiles li")).to_have_count(5)


def test_a_map_without_preference_says_so_and_ranks_nothing(page: Page, results: Results) -> None:
    top = [TopTile(x_px=256 * i, y_px=0, attention=1 / 88) for i in range(5)]
    score = samples.score("MB-1", slides=("A1",))
    score.slides[0].CopyFrom(samples.slide_evidence("MB-1", "A1", top))
    results.blobs.put_new(score.slides[0].attention_key, attention_map(top, faint=1 / 88, steps=1))
    results.score(score)
    with over_http(results) as address:
        page.goto(f"{address}/#/cases/MB-1")
        slide = page.locator("article", has_text="Slide A1")
        expect(slide.get_by_text("The model had no preference among the tiles")).to_be_visible()
        expect(slide.locator("canvas.heat")).to_be_visible()
        expect(slide.locator(".stack canvas")).to_have_count(2)
        expect(slide.locator(".tiles")).to_have_count(0)
        expect(slide.get_by_text("Most attended tiles")).to_have_count(0)
        expect(slide.get_by_label("Mark top tiles")).to_have_count(0)


def test_what_was_refused_is_named_also_where_it_is_the_case(page: Page, results: Results) -> None:
    results.store.record_rejection(samples.rejected("MB-1", "", samples.at(1)))
    results.store.record_rejection(samples.unscorable("MB-1", "A", samples.at(2)))
    results.store.record_rejection(samples.unscorable("MB-1", "", samples.at(3)))
    with over_http(results) as address:
        page.goto(f"{address}/#/cases/MB-1")
        expect(page.locator(".refused b")).to_have_text(["The case", "Slide A", "Clinical record"])
        expect(page.locator(".refused li").first).to_contain_text(
            re.compile(r"bad_bundle from fusion_scorer, [^,]+, [\d:]+$")
        )


def test_the_picture_of_a_refused_slide_is_shown(page: Page, results: Results) -> None:
    refused = samples.rejected("MB-1", "A", samples.at(2))
    refused.thumbnail_key = "plans/picture.jpg"
    results.blobs.put_new(refused.thumbnail_key, thumbnail())
    results.store.record_rejection(refused)
    with over_http(results) as address:
        page.goto(f"{address}/#/cases/MB-1")
        expect(page.get_by_role("img", name="Picture of slide A")).to_have_attribute("width", "444")


def test_an_abstained_case_shows_no_number_as_a_risk(page: Page, address: str) -> None:
    page.goto(f"{address}/#/cases/MB-0043")
    expect(page.get_by_text("The scorer abstained.")).to_be_visible()
    expect(page.get_by_text("The slides look like none in the training cohort")).to_be_visible()
    text = page.locator("main").inner_text()
    assert not re.search(r"31\s*%|38\s*%|\u00d71\.|percentile", text, re.IGNORECASE)
    page.goto(address)
    expect(page.get_by_role("link", name="MB-0043")).to_be_visible()
    assert "%" not in row(page, "MB-0043")


def test_what_a_person_must_see_stands_above_the_risk(page: Page, results: Results) -> None:
    results.score(samples.remarkable("MB-1"))
    with over_http(results) as address:
        page.goto(address)
        expect(page.locator(".cases .chip")).to_have_text(
            ["Scored", "Unlike training data", "Slide left out", "See remarks", "SIMULATED"]
        )
        page.goto(f"{address}/#/cases/MB-1")
        look = page.locator("section", has=page.get_by_role("heading", name="Look at this first"))
        expect(look.locator("li")).to_contain_text(
            [
                "Slide DAB.tif was left out of the score (unlike the training slides). The staining of slide DAB.tif",
                "MYC amplification with WNT is rare",
            ]
        )
        headings = page.locator("main h2").all_inner_texts()
        assert headings.index("Look at this first") < headings.index("Risk of recurrence")
        expect(page.locator(".pairs div", has_text="molecular group")).to_contain_text("Group 3\u201d, read as G3")
        odd = page.locator("article", has_text="Slide DAB.tif")
        quality = ["pen ink", "few tiles", "unlike the training slides"]
        expect(odd.locator(".chip")).to_have_text(["Slide left out", *quality])
        expect(odd.get_by_text("8.40 (limit 2.20), outside")).to_be_visible()
        text = page.locator("main").inner_text()
        assert not re.search(r"\b[a-z]+_[a-z_]+\b", text)


def test_a_case_with_two_blocks_of_vectors_shows_them_by_their_titles(page: Page, results: Results) -> None:
    results.score(samples.with_vectors("MB-1"))
    results.store.record_rejection(samples.rejected_vector("MB-1", "methylation", samples.at(9)))
    with over_http(results) as address:
        page.goto(address)
        expect(page.locator(".cases .chip")).to_have_text(
            ["Scored", "Unlike training data", "Input left aside", "Refused input", "SIMULATED"]
        )
        page.goto(f"{address}/#/cases/MB-1")
        moved = page.locator(".moves tbody tr", has_text="blood counts")
        expect(moved).to_contain_text("1.1 SD \u00b7 blood counts")
        expect(moved.locator("li")).to_have_text(["haemoglobin_g_dl 8.1 (\u00d71.36)", "crp_mg_l missing (\u00d70.96)"])
        rests = page.locator("section", has=page.get_by_role("heading", name="What it rests on"))
        for term, text in (
            ("Model", "blood counts, clinical and slides"),
            ("Known but left aside", "MRI texture"),
            ("Vector: blood counts", "15 of 17 columns known, distance from training data 1.20 (limit 3.00)"),
            (
                "Vector: MRI texture",
                "1,200 of 1,200 columns known, distance from training data 3.40 (limit 3.00), outside",
            ),
        ):
            expect(rests.locator("div", has=page.get_by_text(term, exact=True)).locator("dd")).to_have_text(text)
        expect(page.locator(".refused b")).to_have_text("Vector methylation")
        page.get_by_text("bundle demo-simulated").click()
        expect(page.get_by_text(samples.digest("MB-1/texture"))).to_be_visible()


def test_a_possible_swap_comes_first_and_many_remarks_unfold(page: Page, results: Results) -> None:
    score = samples.remarkable("MB-1")
    for number in range(40):
        score.remarks.add(code="profile_check", sentence=f"Remark {number}.")
    score.remarks.add(code="same_slide_in_two_cases", slide_id="HE.svs", sentence="Slide HE.svs: a possible swap.")
    results.score(score)
    with over_http(results) as address:
        page.goto(address)
        expect(page.locator(".cases .chip", has_text="Slide in two cases")).to_be_visible()
        page.goto(f"{address}/#/cases/MB-1")
        expect(page.locator(".look li").first).to_have_text("Slide HE.svs: a possible swap.")
        expect(page.get_by_text("Remark 39.")).to_be_hidden()
        page.locator(".look summary").click()
        expect(page.get_by_text("Remark 39.")).to_be_visible()


def test_refused_uploads_come_and_go_without_a_reload(page: Page, results: Results) -> None:
    refused = samples.rejected("", "", samples.at(1), "bad_case_id")
    refused.object_key = "slides/loose.svs"
    results.blobs.put(refused.object_key, b"x")
    page.clock.install()
    with over_http(results) as address:
        page.goto(address)
        expect(page.get_by_text("No case yet.")).to_be_visible()
        results.store.record_rejection(refused)
        page.clock.fast_forward(11_000)
        expect(page.get_by_text("slides/loose.svs")).to_be_visible()
        results.blobs.delete(refused.object_key)
        page.clock.fast_forward(11_000)
        expect(page.get_by_text("slides/loose.svs")).to_have_count(0)


def test_a_withdrawn_case_says_why(page: Page, results: Results) -> None:
    results.store.record_rejection(samples.rejected("MB-1", "A", samples.at(1)))
    answer = {
        "summary": {"case_id": "MB-1", "state": "CASE_STATE_WITHDRAWN", "flags": []},
        "rejections": [],
        "withdrawn": "All slides of the case were deleted.",
    }
    page.route("**/api/v1/cases/MB-1", lambda route: route.fulfill(json=answer))
    with over_http(results) as address:
        page.goto(f"{address}/#/cases/MB-1")
        expect(page.locator(".chip")).to_have_text(["Withdrawn"])
        expect(page.get_by_role("heading", name="This case has no current score")).to_be_visible()
        expect(page.get_by_text("All slides of the case were deleted.")).to_be_visible()


def test_hostile_text_stays_text(page: Page, results: Results) -> None:
    score = samples.score("MB-1", slides=("A1",))
    score.risk_group = score.risk_group_rule = score.model = score.provenance.bundle_name = HOSTILE
    moved = score.contributions[0]
    moved.variable = moved.label = moved.value = HOSTILE
    score.slides[0].qc_flags.append(HOSTILE)
    score.slides[0].mpp_source, score.slides[0].slide_id = HOSTILE, HOSTILE.partition("<script>")[0]
    results.score(score)
    refused = samples.rejected("MB-1", "x", samples.at(2))
    refused.slide_id = HOSTILE[:60]
    refused.sentence = refused.advice = refused.object_key = refused.service = refused.reason = HOSTILE
    results.store.record_rejection(refused)
    results.store.record_progress(samples.progress("MB-2", HOSTILE[:60], 1, samples.at(9)))
    with over_http(results) as address:
        page.goto(address)
        expect(page.locator("progress")).to_be_visible()
        page.goto(f"{address}/#/cases/MB-1")
        expect(page.get_by_text(HOSTILE).first).to_be_visible()
        expect(page.locator("canvas.heat")).to_be_visible()
        assert page.title() == "MB-1 \u2013 Medulla"
        assert page.locator("main script, main img").count() == 0


def test_a_case_moves_from_progress_to_its_score_while_it_is_watched(page: Page, results: Results) -> None:
    results.store.record_progress(samples.progress("MB-1", "A1", 0, samples.at(6), STAGE_DOWNLOADING))
    with over_http(results) as address:
        page.goto(address)
        expect(page.locator("progress")).to_have_attribute("value", "0")
        results.store.record_progress(samples.progress("MB-1", "A1", 300, samples.at(7)))
        expect(page.locator("progress")).to_have_attribute("value", "300")
        expect(page.get_by_text("Embedding tiles A1")).to_be_visible()
        results.score(samples.score("MB-1"), minutes=8)
        expect(page.locator("progress")).to_have_count(0)
        expect(page.locator(".cases .chip")).to_have_text("In progress")
        page.get_by_role("button", name="1 case changed: show").click()
        expect(page.locator(".chip", has_text="Scored")).to_be_visible()


def test_a_new_case_appears_while_the_list_is_open(page: Page, results: Results) -> None:
    with over_http(results) as address:
        page.goto(address)
        expect(page.get_by_text("No case yet.")).to_be_visible()
        results.store.record_progress(samples.progress("MB-7", "A1", 1, samples.at(6)))
        expect(page.get_by_role("link", name="MB-7")).to_be_visible()


def test_more_cases_come_when_asked_for(page: Page, results: Results) -> None:
    for n in range(60):
        results.store.record_rejection(samples.rejected(f"MB-{n:02}", "A", samples.at(n / 10)))
    with over_http(results) as address:
        page.goto(address)
        expect(page.locator(".cases tbody tr")).to_have_count(50)
        page.get_by_role("button", name="Show more cases").click()
        expect(page.locator(".cases tbody tr")).to_have_count(60)
        expect(page.get_by_role("button", name="Show more cases")).to_have_count(0)
