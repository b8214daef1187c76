"""The page, in `medulla up` and on the four services, of a case whose slide has 41,000 px a side."""

import io
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import pypdf
import pytest
from playwright.sync_api import Page, expect

from tests.support import qupath
from tests.support.axe import Axe
from tests.support.dciodvfy import complaints
from tests.support.deployments import CASE, OTHER, SLIDE, Deployment, deployed_laptop, deployed_services
from tests.support.fhir_validator import EXPECTED, FhirValidator
from tests.support.page_text import percent
from tests.support.polling import eventually
from tests.support.prototype_bundle import CLASSES
from tests.support.system import RealParts
from tests.support.viewer_page import is_drawn, place
from tests.support.viewing import LARGE_PX

LEAST_TISSUE = 0.005
"""Of the view of the whole slide, which is mostly glass."""
OFFLINE = "CodeSystem is unknown and can't be validated: http://loinc.org"
"""What the validator says of codes of LOINC, which it has only with a terminology server."""
LABELS = {"clear": "Scored", "crosses_threshold": "Between risk groups", "too_uncertain": "Too uncertain for a group"}


@pytest.fixture(scope="module", params=["services", "up"])
def deployment(
    request: pytest.FixtureRequest, real_parts: RealParts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp(request.param)
    with deployed_laptop(folder) if request.param == "up" else deployed_services(real_parts, folder) as deployed:
        deployed.fill()
        yield deployed


@pytest.fixture
def case_page(page: Page, deployment: Deployment) -> Page:
    """The page of the case."""
    page.goto(f"{deployment.address}/#/cases/{CASE}")
    expect(page.locator("canvas.heat").first).to_be_visible()
    return page


def viewed(page: Page, deployment: Deployment) -> None:
    """Open the viewer and wait until the whole slide is drawn."""
    page.goto(f"{deployment.address}/#/cases/{CASE}/slides/{SLIDE}")
    expect(page.locator(".ranked li").first).to_be_visible()
    eventually(partial(is_drawn, page.locator(".stage"), LEAST_TISSUE))


def test_the_list_leads_to_the_case_by_search_and_filter(page: Page, deployment: Deployment) -> None:
    page.goto(deployment.address)
    expect(page.locator(".cases tbody a")).to_have_count(2)
    page.get_by_label("Search case or site").fill("0042")
    expect(page.locator(".total")).to_have_text("1 case")
    certainty = deployment.score()["certainty"]["state"]
    state = "scored" if certainty == "clear" else certainty
    page.get_by_label("State").select_option(state)
    expect(page).to_have_url(re.compile(f"q=0042&state={state}$"))
    page.get_by_role("link", name=CASE).click()
    expect(page.get_by_role("heading", name=CASE, level=1)).to_be_visible()


def test_the_case_shows_how_certain_its_risk_is_and_its_course(case_page: Page, deployment: Deployment) -> None:
    score = deployment.score()
    expect(case_page.locator(".title .chip").first).to_have_text(LABELS[score["certainty"]["state"]])
    expect(case_page.locator(".curve .mark")).to_have_text([percent(risk) for risk in score["risks"]])
    expect(case_page.locator(".event-free tbody tr")).to_have_count(3)
    beside = case_page.locator(".compared", has_text="With slides as well, the risk").locator(".figure b")
    expect(beside).to_have_text([percent(score["record_only"]["risks"][0]), percent(score["risks"][0])])
    assert score["slides"][0]["width_px"] == score["slides"][0]["height_px"] == LARGE_PX


def test_what_if_is_answered_by_the_scorer_and_nothing_is_stored(case_page: Page, deployment: Deployment) -> None:
    before = deployment.get(f"cases/{CASE}/scores")
    headline, form = case_page.locator(".what-if").get_by_role("status"), case_page.locator(".what-if form")
    case_page.get_by_role("button", name="Try other values").click()
    expect(headline).to_contain_text("These are the stored values.")
    form.get_by_label("Chang M stage").select_option("M0")
    expect(headline).to_contain_text(f"stored {percent(deployment.score()['risks'][0])}")
    form.get_by_label("Use slides").uncheck()
    expect(case_page.locator(".answer .chip", has_text="No slides")).to_be_visible()
    assert deployment.get(f"cases/{CASE}/scores") == before


def test_the_viewer_reads_the_slide_in_squares_and_flies_to_a_ranked_tile(
    page: Page, deployment: Deployment, pictures: Path
) -> None:
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    viewed(page, deployment)
    expect(page.locator(".magnification")).to_have_text(re.compile("^0\\."))
    page.get_by_role("button", name=re.compile("^1\\.")).click()
    expect(page.locator(".magnification")).to_have_text(re.compile("^1[0-9]"))
    eventually(partial(is_drawn, page.locator(".stage"), 0.2))
    page.wait_for_url(re.compile("x=\\d+&y=\\d+&zoom="))
    slide = deployment.score()["slides"][0]
    tile, side = slide["top_tiles"][0], slide["tile_width_px"]
    assert 0 < place(page)["x"] - tile["x_px"] < side
    assert 0 < place(page)["y"] - tile["y_px"] < side
    assert 0 < sum(f"/api/v1/slides/{slide['slide_digest']}_files/" in url for url in urls) < 200
    assert all(url.startswith((deployment.address, "blob:")) for url in urls)
    page.screenshot(path=pictures / f"{deployment.name}-tile.png")


def test_prototypes_lie_over_the_slide_and_the_score_has_the_share_of_each(page: Page, deployment: Deployment) -> None:
    viewed(page, deployment)
    page.get_by_role("checkbox", name="Prototypes 4").check()
    shares = deployment.score()["slides"][0]["prototype_shares"]
    listed = [f"Prototype {number}, " for number, share in enumerate(shares) if share]
    expect(page.locator(".prototypes li")).to_contain_text(listed)
    expect(page.locator(".prototypes")).to_contain_text("SIMULATED")
    drawn = deployment.get(f"cases/{CASE}/slides/{SLIDE}/prototypes")["prototype"]
    assert [drawn.count(number) / len(drawn) for number in range(8)] == pytest.approx(shares, abs=1e-5)


def test_the_composition_of_the_slide_is_computed_by_the_bundle(page: Page, deployment: Deployment) -> None:
    viewed(page, deployment)
    page.get_by_role("checkbox", name="Composition 5").check()
    score = deployment.score()
    assert score["composition_classes"] == list(CLASSES)
    assert sum(score["slides"][0]["composition_shares"]) == pytest.approx(1, abs=1e-5)
    expect(page.locator(".composition li").first).to_contain_text("nodules, ")
    drawn = deployment.get(f"cases/{CASE}/slides/{SLIDE}/composition")["class"]
    objects = qupath.read_objects(deployment.fetch(f"cases/{CASE}/attention.geojson"))
    exported = sorted(CLASSES.index(item.path_class) for item in objects if item.kind == "tile")
    assert exported == sorted(drawn)


def test_a_note_is_stored_and_shown_in_the_timeline(case_page: Page, deployment: Deployment) -> None:
    case_page.get_by_label("New note", exact=True).select_option("artefact")
    case_page.get_by_label("Tile", exact=True).select_option(index=1)
    case_page.get_by_label("What it shows").fill("A fold of the section.")
    case_page.get_by_role("button", name="Save note").click()
    expect(case_page.locator(".notes .text")).to_have_text("A fold of the section.")
    expect(case_page.locator(".timeline .chip").first).to_have_text("Noted")
    (note,) = deployment.get(f"cases/{CASE}/notes")["notes"]
    tile = deployment.score()["slides"][0]["top_tiles"][0]
    assert (note["kind"], note["slide_id"], note["x_px"], note["y_px"]) == (
        "artefact",
        SLIDE,
        tile["x_px"],
        tile["y_px"],
    )
    assert b"A fold of the section." in deployment.fetch("notes.csv")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_axe_finds_nothing_on_list_case_and_viewer(
    page: Page, axe: Axe, deployment: Deployment, scheme: Literal["light", "dark"], width: int, pictures: Path
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})

    def check(view: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert axe.findings(page) == []
        page.screenshot(path=pictures / f"{deployment.name}-{view}-{scheme}-{width}.png", full_page=True)

    page.goto(deployment.address)
    expect(page.get_by_role("link", name=OTHER)).to_be_visible()
    check("list")
    page.goto(f"{deployment.address}/#/cases/{CASE}")
    page.get_by_role("button", name="Try other values").click()
    expect(page.locator(".what-if").get_by_role("status")).to_contain_text("These are the stored values.")
    expect(page.locator("canvas.heat").first).to_be_visible()
    check("case")
    viewed(page, deployment)
    page.get_by_role("checkbox", name="Prototypes 4").check()
    expect(page.locator(".prototypes li").first).to_be_visible()
    check("viewer")


def test_the_case_prints_on_two_sheets(case_page: Page, deployment: Deployment, pictures: Path) -> None:
    case_page.emulate_media(media="print", color_scheme="light")
    case_page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(case_page.get_by_role("heading", name="What if")).to_be_hidden()
    printed = case_page.pdf(path=pictures / f"{deployment.name}-print.pdf", prefer_css_page_size=True)
    assert len(pypdf.PdfReader(io.BytesIO(printed)).pages) == 2


def test_the_pdf_has_two_pages_with_the_notice_and_the_map(deployment: Deployment, pictures: Path) -> None:
    data = deployment.fetch(f"cases/{CASE}/report.pdf")
    (pictures / f"{deployment.name}-report.pdf").write_bytes(data)
    pages = pypdf.PdfReader(io.BytesIO(data)).pages
    assert len(pages) == 2
    assert all("Research use only." in page.extract_text() for page in pages)
    assert sum(len(page.images) for page in pages) > 0


def test_the_fhir_document_is_valid(deployment: Deployment, fhir_validator: FhirValidator, tmp_path: Path) -> None:
    file = tmp_path / "document.json"
    file.write_bytes(deployment.fetch(f"cases/{CASE}/fhir"))
    findings = fhir_validator.findings([file])
    assert [item for item in findings if not item.text.startswith((*EXPECTED, OFFLINE))] == []
    resources = [entry["resource"] for entry in json.loads(file.read_bytes())["entry"]]
    (risk,) = (item for item in resources if item["resourceType"] == "RiskAssessment")
    horizon, interval = deployment.score()["risks"][0], risk["prediction"][0]["probabilityRange"]
    shares = [interval["low"]["value"], interval["high"]["value"]]
    assert shares == pytest.approx([100 * horizon["lo"], 100 * horizon["hi"]], abs=0.1)


def test_qupath_reads_every_tile_of_the_slide(deployment: Deployment) -> None:
    objects = qupath.read_objects(deployment.fetch(f"cases/{CASE}/attention.geojson"))
    tiles = [item for item in objects if item.kind == "tile"]
    slide = deployment.score()["slides"][0]
    assert len(tiles) == slide["ledger"]["ok"] > 100
    assert all(0 <= value <= LARGE_PX for item in objects for value in item.bounds)
    top = slide["top_tiles"][0]
    assert (top["x_px"], top["y_px"]) in {item.bounds[:2] for item in objects if item.kind == "annotation"}


def test_the_structured_report_is_valid_dicom(deployment: Deployment, tmp_path: Path) -> None:
    data = deployment.fetch(f"cases/{CASE}/report.dcm")
    assert data[128:132] == b"DICM"
    assert complaints(data, tmp_path) == []
