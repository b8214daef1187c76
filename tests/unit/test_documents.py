"""The documents of the repository: links lead somewhere, and what they say of version and files is true."""

import posixpath
import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from services.standalone.guide_text import GuideText, render
from tests.support.checkout import CHECKOUT
from tests.support.documents import DOCUMENTS

MOST_LINES = 100
SERVICES = sorted(str(path.parent.relative_to(CHECKOUT)) for path in CHECKOUT.glob("services/*/README.md"))
EVERYWHERE = {"errors", "settings", "ports"}
"""Modules that ARCHITECTURE.md names for all services."""
PATH = re.compile(r"`((?:services|shared|charts|docker|protos|tests)/[\w./*-]+)`")


def text(path: Path) -> GuideText:
    return render(path.read_text(encoding="utf-8"))


def leads(document: str, link: str) -> bool:
    """Whether a link is an address, or names a file and, in Markdown, a section that exist."""
    url = urlsplit(link)
    if url.scheme:
        return True
    path = (
        CHECKOUT / posixpath.normpath(posixpath.join(posixpath.dirname(document), url.path))
        if url.path
        else CHECKOUT / document
    )
    if not url.fragment or path.suffix != ".md":
        return path.exists()
    return path.exists() and url.fragment in {section.heading.anchor for section in text(path).sections}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_of_a_document_lead_somewhere(document: str) -> None:
    assert [link for link in text(CHECKOUT / document).links if not leads(document, link)] == []


def test_the_citation_names_title_licence_and_the_version_of_the_program() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    cited = yaml.safe_load((CHECKOUT / "CITATION.cff").read_text())
    assert (cited["version"], cited["license"]) == (project["version"], project["license"])
    assert {"cff-version", "message", "title", "authors"} <= set(cited)


def test_forms_of_issues_have_a_name_and_a_body() -> None:
    forms = [yaml.safe_load(path.read_text()) for path in (CHECKOUT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml")]
    assert all(form["name"] and form["body"] for form in forms)
    assert len(forms) == 2


def test_the_readme_stays_under_two_screens() -> None:
    assert len((CHECKOUT / "README.md").read_text().splitlines()) <= MOST_LINES


def modules(folder: Path) -> list[str]:
    """Names of the modules and folders of a service, without those that every service has."""
    named = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    return sorted(name for name in named - EVERYWHERE if not name.startswith("__"))


def is_named(module: str, readme: str) -> bool:
    """Whether a README names a module, by itself or as `prefix_*`."""
    prefix = f"`{module.partition('_')[0]}_*`"
    return re.search(rf"\b{module}\b", readme) is not None or prefix in readme


@pytest.mark.parametrize("folder", [*SERVICES, "shared"])
def test_the_readme_of_a_service_names_each_of_its_modules(folder: str) -> None:
    readme = (CHECKOUT / folder / "README.md").read_text(encoding="utf-8")
    assert [name for name in modules(CHECKOUT / folder) if not is_named(name, readme)] == []


def test_every_path_of_the_architecture_exists() -> None:
    paths = PATH.findall((CHECKOUT / "ARCHITECTURE.md").read_text(encoding="utf-8"))
    assert len(paths) > 50
    assert [path for path in paths if not any(CHECKOUT.glob(path.rstrip("/").replace("NAME", "*")))] == []


def test_every_test_of_the_threat_model_exists() -> None:
    rows = [line for line in (CHECKOUT / "SECURITY.md").read_text().splitlines() if "`test_" in line]
    named = {name for row in rows for name in re.findall(r"`(test_\w+)`", row)}
    written = "\n".join(path.read_text() for path in CHECKOUT.glob("tests/**/test_*.py"))
    assert len(rows) > 15
    assert named - set(re.findall(r"def (test_\w+)", written)) == set()
