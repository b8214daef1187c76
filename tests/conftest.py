"""Fixtures of all tests: the real parts of a run, started lazily and in the background."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, sync_playwright

from tests.stack.fhir_server import FhirServer
from tests.stack.home import MissingPartError
from tests.stack.process import tail
from tests.stack.runs import interrupt_on_sigterm, run_folder
from tests.stack.triton import Triton
from tests.support import parts as real
from tests.support.fhir_validator import FhirValidator
from tests.support.missing import skip_or_fail, skips_missing_parts

_IN_CI = not skips_missing_parts()

settings.register_profile(
    "medulla", deadline=None, derandomize=_IN_CI, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("medulla")

_ORDER = ("unit", "contract", "integration", "e2e")
_required = pytest.StashKey[set[str]]()


def pytest_configure() -> None:
    """Let SIGTERM end a run as Ctrl-C does, with the parts that it started."""
    interrupt_on_sigterm()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put fast tests first, and mark those that need a real part."""
    items.sort(key=_rank)
    for item in items:
        if _parts_of(item):
            item.add_marker("real")


def _rank(item: pytest.Item) -> int:
    return next((rank for rank, name in enumerate(_ORDER) if name in item.path.parts), len(_ORDER))


def _parts_of(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ())) & set(real.NAMES)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Remember which parts the chosen tests need."""
    session.config.stash[_required] = set().union(*(_parts_of(item) for item in session.items))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the logs of the parts that a failed test used."""
    report = yield
    parts = getattr(item, "funcargs", {}).get("parts")
    if report.failed and parts is not None:
        report.sections += [(f"end of {log.name}", tail(log)) for log in parts.logs()]
    return report


@pytest.fixture(scope="session")
def parts(request: pytest.FixtureRequest) -> Iterator[real.Parts]:
    """The parts of this run; those that any chosen test needs begin to start with the first."""
    with run_folder() as folder:
        session = real.Parts(folder)
        try:
            session.begin(name for name in real.NAMES if name in request.config.stash[_required])
            yield session
        finally:
            session.close()


@pytest.fixture(scope="session")
def real_part(parts: real.Parts) -> Callable[[str], object]:
    """Gives a part by its name; a missing one skips the test at home and fails it in CI."""

    def get(name: str) -> object:
        try:
            return parts.get(name)
        except MissingPartError as error:
            skip_or_fail(str(error))

    return get


@pytest.fixture(scope="session")
def kafka(real_part: Callable[[str], object]) -> real.KafkaPart:
    """A real broker with every topic of the pipeline."""
    return cast("real.KafkaPart", real_part("kafka"))


@pytest.fixture(scope="session")
def minio(real_part: Callable[[str], object]) -> real.MinioPart:
    """A real S3 server; `announce` connects a bucket to Kafka."""
    return cast("real.MinioPart", real_part("minio"))


@pytest.fixture(scope="session")
def postgres(real_part: Callable[[str], object]) -> real.PostgresPart:
    """A real database server; `database()` gives a new database's URL."""
    return cast("real.PostgresPart", real_part("postgres"))


@pytest.fixture(scope="session")
def elasticmq(real_part: Callable[[str], object]) -> real.ElasticMqPart:
    """A real SQS server."""
    return cast("real.ElasticMqPart", real_part("elasticmq"))


@pytest.fixture(scope="session")
def triton(real_part: Callable[[str], object]) -> Triton:
    """A real Triton server with the default encoder."""
    return cast("Triton", real_part("triton"))


@pytest.fixture(scope="module")
def browser(real_part: Callable[[str], object]) -> Iterator[Browser]:
    """A real Chromium, without a window; it ends with the module, as nothing else may use asyncio while it runs."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(real_part("browser")), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def fhir_validator(real_part: Callable[[str], object]) -> FhirValidator:
    """HL7's validator of FHIR R4."""
    return FhirValidator(cast("Path", real_part("fhir")))


@pytest.fixture(scope="session")
def fhir_server(real_part: Callable[[str], object]) -> FhirServer:
    """A real FHIR R4 server (HAPI)."""
    return cast("FhirServer", real_part("fhir_server"))


@pytest.fixture
def event_bucket(kafka: real.KafkaPart, minio: real.MinioPart, parts: real.Parts) -> tuple[str, str]:  # noqa: ARG001 - asked for so that they start early
    """A new bucket and the topic of its own on which it announces every object."""
    return parts.event_bucket()
