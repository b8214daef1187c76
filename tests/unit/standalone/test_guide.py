"""The guide as HTML: no markup but its own, links that lead somewhere, and pages that `medulla up` serves."""

import json
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.results.http_guard import Guard
from services.results.rest import PAGE
from services.standalone.guide_routes import guide_routes
from services.standalone.guide_site import Guide
from services.standalone.guide_text import render
from shared.notice import NOTICE

STYLESHEET = PAGE / "style.css"


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    app.add_middleware(Guard)
    app.include_router(guide_routes(Guide(), STYLESHEET))
    return TestClient(app)


def written(folder: Path, **pages: str) -> Guide:
    """A guide of these pages, in one chapter."""
    (folder / "pictures").mkdir()
    (folder / "contents.yaml").write_text(json.dumps({"All": [name for name in pages if name != "index"]}))
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text)
    return Guide(folder)


def test_the_guide_has_no_dead_link_and_no_page_without_a_place() -> None:
    assert Guide().faults() == []


@pytest.mark.parametrize(
    "link",
    ["missing.md", "other.md#nowhere", "#nowhere", "pictures/none.svg", "../README.md", "http://plain.example", "/"],
)
def test_a_link_that_leads_nowhere_is_named(link: str, tmp_path: Path) -> None:
    guide = written(tmp_path, index=f"# Start\n[there]({link})", other="# Other\n## Part")
    assert guide.faults() == [f"index.md: {link} leads nowhere"]


@pytest.mark.parametrize("link", ["other.md", "other.md#part", "#start", "https://example.org"])
def test_links_to_pages_sections_and_https_are_no_fault(link: str, tmp_path: Path) -> None:
    assert written(tmp_path, index=f"# Start\n[there]({link})", other="# Other\n## Part").faults() == []


def test_a_page_in_no_chapter_and_one_without_heading_are_named(tmp_path: Path) -> None:
    guide = written(tmp_path, index="# Start", other="text")
    (tmp_path / "lost.md").write_text("# Lost")
    assert guide.faults() == ["lost.md: no chapter of contents.yaml names it", "other.md: no heading"]


def test_html_in_a_page_is_shown_as_text() -> None:
    text = render("# Case {case_id}\n\n<script>alert(1)</script> and `a|b`\n\n## Case {case_id}")
    assert "&lt;script&gt;" in text.html
    assert [section.heading.anchor for section in text.sections] == ["case-case_id", "case-case_id-1"]


def test_links_to_pages_lead_to_their_html_also_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "files.md").write_text("# Files\n[back](../other.md#part)")
    guide = written(tmp_path, index="# Start", other="# Other\n## Part")
    (tmp_path / "contents.yaml").write_text('{"All": ["other", "reference/files"]}')
    assert guide.faults() == []
    page = guide.page("reference/files")
    assert 'href="../other.html#part"' in page
    assert 'href="../style.css"' in page


def test_every_page_is_served_with_the_notice_and_nothing_from_elsewhere(client: TestClient) -> None:
    for name in Guide().texts:
        answer = client.get(f"/guide/{name}.html")
        assert answer.status_code == 200
        assert NOTICE.partition(". ")[2] in answer.text
        assert "style-src 'self'" in answer.headers["content-security-policy"]
        assert not [each for each in ("<style", ' style="', "<script>", 'src="http') if each in answer.text]


def test_the_address_without_a_page_is_the_start_and_unknown_pages_are_not_found(client: TestClient) -> None:
    assert client.get("/guide").url.path == "/guide/"
    assert "Medulla guide" in client.get("/guide/").text
    for path in (
        "/guide/none.html",
        "/guide/contents.yaml",
        "/guide/index.md",
        "/guide/../index.html",
        "/guide/%2e%2e/x",
    ):
        assert client.get(path).status_code == 404


def test_notebooks_are_linked_and_saved_under_their_names(client: TestClient) -> None:
    linked = {link for text in Guide().texts.values() for link in text.links if link.endswith(".ipynb")}
    assert linked == {f"notebooks/{path.name}" for path in Guide().folder.glob("notebooks/*")}
    for link in linked:
        answer = client.get(f"/guide/{link}")
        assert answer.status_code == 200
        assert answer.headers["content-disposition"] == f'attachment; filename="{link.removeprefix("notebooks/")}"'


def test_the_search_finds_sections_by_their_text(client: TestClient) -> None:
    sections = client.get("/guide/search.json").json()
    hits = [each["address"] for each in sections if "TILER_GRID__TILE_PX" in each["text"]]
    assert "reference/settings.html#tiler" in hits


def test_the_site_holds_all_that_its_pages_refer_to(tmp_path: Path) -> None:
    count = Guide().build(tmp_path, STYLESHEET)
    assert len(list(tmp_path.rglob("*.html"))) == count
    assert {"style.css", "guide.css", "guide.js", "search.json", "pictures"} <= {
        path.name for path in tmp_path.iterdir()
    }
