"""Fixtures of the chart's tests: they need its tools, and no cluster."""

from pathlib import Path

import pytest

from tests.stack.chart_tools import GO_TOOLS, schemas, tool
from tests.stack.home import MissingPartError
from tests.support.chart.paths import CI_VALUES
from tests.support.missing import skip_or_fail


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    """A missing tool skips the tests at home and fails them in CI."""
    try:
        for name in (*(each.name for each in GO_TOOLS), "promtool"):
            tool(name)
        schemas()
    except MissingPartError as error:
        skip_or_fail(str(error))


@pytest.fixture(params=CI_VALUES, ids=lambda path: path.stem)
def values(request: pytest.FixtureRequest) -> Path:
    """Each of the chart's files of example values."""
    path: Path = request.param
    return path
