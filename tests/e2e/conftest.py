"""Shared by the end-to-end tests: the real parts, results to show, and a page whose console must stay empty."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.stack.triton import Triton
from tests.support import scores as samples
from tests.support.axe import Axe
from tests.support.laptop import Laptop, demo_laptop
from tests.support.parts import KafkaPart, MinioPart, PostgresPart
from tests.support.results import Results, over_http
from tests.support.system import RealParts

PATIENCE_MS = 15_000
_STOPPED = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET")
"""The server of a test ends before its page, which may be reading."""

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def real_parts(kafka: KafkaPart, minio: MinioPart, postgres: PostgresPart, triton: Triton) -> RealParts:
    return RealParts(kafka, minio, postgres, triton)


@pytest.fixture(scope="session")
def demo_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A `medulla up` with the scored demo case; tests that share it leave the case as it is."""
    with demo_laptop(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Results]:
    opened = Results(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def filled(results: Results) -> Results:
    """A scored case with an older score, an abstained one, a rejected one, and one on its way."""
    results.score(samples.score("MB-0042", "1"), minutes=1)
    results.score(samples.score("MB-0042", "2"), minutes=4)
    results.score(samples.abstained("MB-0043"), minutes=3)
    results.store.record_rejection(samples.rejected("MB-0042", "A3", samples.at(5)))
    results.store.record_rejection(samples.rejected("MB-0099", "B1", samples.at(2)))
    results.store.record_progress(samples.progress("MB-0100", "C1", 130, samples.at(9)))
    return results


@pytest.fixture
def address(filled: Results) -> Iterator[str]:
    """The page of these cases, over HTTP."""
    with over_http(filled) as served:
        yield served


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that must end without an error in its console."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-GB", reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    opened, wrong = context.new_page(), []
    opened.on("console", lambda message: wrong.append(message.text) if message.type in {"error", "warning"} else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("dialog", lambda dialog: wrong.append(dialog.message))
    yield opened
    context.close()
    assert [text for text in wrong if not text.endswith(_STOPPED)] == []


@pytest.fixture(scope="session")
def axe(real_part: Callable[[str], object]) -> Axe:
    """Checks the accessibility of a page."""
    return Axe(Path(str(real_part("axe"))))


@pytest.fixture(scope="session")
def pictures(request: pytest.FixtureRequest) -> Path:
    """Folder of the screenshots that a person looks at: .pytest_cache/d/pictures."""
    cache = request.config.cache
    assert cache is not None
    return Path(str(cache.mkdir("pictures")))
