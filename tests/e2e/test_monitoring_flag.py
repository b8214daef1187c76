"""A model that monitoring flagged is stated above the list and on the cases that it scored."""

import json

from playwright.sync_api import Page, expect

from shared.keys import CURRENT_BUNDLE
from shared.monitoring import Standing, put_standing
from shared.units import Sha256
from tests.support import scores as samples
from tests.support.page_text import FAINT
from tests.support.results import Results

SENTENCE = "Events come more often than predicted."


def standing(bundle: str, *, flagged: bool) -> Standing:
    return Standing(
        bundle=Sha256(samples.digest(bundle)),
        name=bundle,
        monitored_at=samples.at(1),
        flagged=flagged,
        sentence=SENTENCE,
        cases=40,
        events=20,
        expected=9.0,
        o_e=2.2,
        o_e_lo=1.4,
        o_e_hi=3.4,
        chart_more=1.1,
        chart_fewer=0.0,
    )


def test_a_flag_stands_above_the_list_and_on_the_cases_of_its_model(page: Page, filled: Results, address: str) -> None:
    put_standing(filled.blobs, standing("bundle", flagged=True))
    put_standing(filled.blobs, standing("newer", flagged=False))
    filled.blobs.put(CURRENT_BUNDLE, json.dumps({"digest": samples.digest("bundle")}).encode())
    page.goto(address)
    expect(page.locator("#flagged")).to_contain_text(SENTENCE)
    filled.blobs.put(CURRENT_BUNDLE, json.dumps({"digest": samples.digest("newer")}).encode())
    page.goto(f"{address}/#/cases/MB-0042")
    expect(page.get_by_role("heading", name="MB-0042", level=1)).to_be_visible()
    expect(page.locator("#flagged")).to_be_visible()
    assert page.evaluate(FAINT) == []
    page.get_by_role("link", name="Medulla, all cases").click()
    expect(page.get_by_role("heading", name="Cases", level=1)).to_be_visible()
    expect(page.locator("#flagged")).to_be_hidden()
