"""Notes, timeline, erasure and dead letters in a real browser, by keyboard too."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from shared import model_keys
from shared.bus.dead_letters import to_dead_letter
from shared.bus.port import Delivery, Record
from shared.errors import PoisonMessageError
from shared.units import Sha256
from tests.support import scores as samples
from tests.support.page_text import HOSTILE
from tests.support.results import Results, over_http


@pytest.fixture
def noted(results: Results) -> Iterator[str]:
    """A scored case whose bundle stands in the bucket."""
    results.score(samples.score("MB-1", slides=("A1",)))
    results.blobs.put("slides/MB-1/A1", b"x")
    manifest = {"profile": {"outcome": {"codes": {"0": "censored", "1": "relapse or progression"}}}}
    results.blobs.put(
        f"{model_keys.bundle_prefix(Sha256(samples.digest('bundle')))}bundle.json", json.dumps(manifest).encode()
    )
    with over_http(results) as address:
        yield address


def test_a_person_disagrees_by_keyboard_and_the_text_stays_text(page: Page, noted: str) -> None:
    page.goto(f"{noted}/#/cases/MB-1")
    expect(page.get_by_text("Nobody has noted anything yet.")).to_be_visible()
    kind = page.get_by_label("New note", exact=True)
    kind.focus()
    page.keyboard.type("I disagree")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Why", exact=True)).to_be_focused()
    page.keyboard.type(f"Mostly necrotic {HOSTILE}")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".notes .chip")).to_have_text("Disagrees")
    expect(page.locator(".notes .text")).to_have_text(f"Mostly necrotic {HOSTILE}")
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(kind).to_be_focused()
    expect(page.locator(".timeline li").first).to_contain_text("Disagrees with the score.")
    assert page.title() == "MB-1 \u2013 Medulla"
    assert page.locator("main img").count() == 0


def test_a_tile_is_chosen_from_the_most_attended_ones(page: Page, noted: str) -> None:
    page.goto(f"{noted}/#/cases/MB-1")
    page.get_by_label("New note", exact=True).select_option("artefact")
    page.get_by_label("Tile", exact=True).select_option(index=2)
    expect(page.get_by_label("x, pixels")).to_have_value("256")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator(".notes li")).to_contain_text("Tile at 256, 512 px of slide A1")


def test_an_outcome_is_stated_in_the_words_of_its_cohort(page: Page, noted: str) -> None:
    page.goto(f"{noted}/#/cases/MB-1")
    page.get_by_label("New note", exact=True).select_option("outcome")
    page.get_by_label("Outcome", exact=True).select_option("relapse or progression")
    page.get_by_label("Date", exact=True).fill("2026-02-01")
    page.get_by_label("or years since diagnosis").fill("1.5")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator(".notes li")).to_contain_text("relapse or progression on 1 Feb 2026 after 1.5 years")


def test_what_is_being_written_stays_when_the_case_changes(page: Page, noted: str, results: Results) -> None:
    page.goto(f"{noted}/#/cases/MB-1")
    text = page.get_by_label("Remark (optional)")
    text.fill("half a sentence")
    results.score(samples.score("MB-1", "2", slides=("A1",)), minutes=5)
    expect(page.locator("section", has_text="Older scores").locator("tbody tr")).to_have_count(1)
    expect(text).to_have_value("half a sentence")
    expect(text).to_be_focused()
    expect(page.locator(".timeline .chip").first).to_have_text("Scored again")


def test_a_case_is_erased_only_after_its_id_was_typed(page: Page, noted: str, results: Results) -> None:
    page.goto(f"{noted}/#/cases/MB-1")
    page.get_by_text("Remove everything that is stored of it").click()
    button = page.get_by_role("button", name="Erase for good")
    page.get_by_label("Type the id of the case to confirm").fill("MB-2")
    expect(button).to_be_disabled()
    page.get_by_label("Type the id of the case to confirm").fill("MB-1")
    button.click()
    expect(page.get_by_text("The case is being erased.")).to_be_visible()
    assert [record.key for record in results.bus.records("cases.erase")] == ["MB-1"]


def test_an_operator_reads_dead_letters_and_replays_one(page: Page, noted: str, results: Results) -> None:
    for key in ("MB-1", "MB-2"):
        delivery = Delivery(Record("cases.scored", key, b"\xff"), 0, 7)
        results.bus.producer().send([to_dead_letter(delivery, PoisonMessageError("the bytes are no event"), "results")])
    page.goto(noted)
    page.get_by_role("link", name="Operations").click()
    expect(page.locator(".letters li")).to_have_count(2)
    expect(page.locator(".letters .advice").first).to_have_text(PoisonMessageError.advice)
    replay = page.get_by_role("button", name="Replay chosen")
    expect(replay).to_be_disabled()
    page.get_by_label("MB-2").check()
    replay.click()
    expect(page.get_by_text("1 sent again.")).to_be_visible()
    expect(page.locator(".letters .chip")).to_contain_text("Replayed")
    assert [record.key for record in results.bus.records("cases.scored")] == ["MB-2"]
    audit = page.locator("section", has=page.get_by_role("heading", name="Audit chain"))
    expect(audit.get_by_text("Intact")).to_be_visible()
    own_text = "element => [...element.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE).length"
    assert audit.evaluate(own_text) == 0


def test_the_timeline_of_a_case_is_on_its_page(page: Page, noted: str, results: Results) -> None:
    results.store.record_rejection(samples.rejected("MB-1", "B", samples.at(2)))
    results.withdraw("MB-1", 5)
    page.goto(f"{noted}/#/cases/MB-1")
    expect(page.locator(".timeline .chip")).to_have_count(4)
    chips = page.locator(".timeline .chip").all_inner_texts()
    assert sorted(chips) == ["Landed", "Refused", "Scored", "Withdrawn"]
    expect(page.locator(".timeline li", has_text="Scored")).to_contain_text("by demo-simulated")
