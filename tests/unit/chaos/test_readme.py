"""The table of promises names scenarios and cluster tests that exist, and every scenario."""

import re

import pytest

from tests.chaos.__main__ import SCENARIOS
from tests.support.checkout import CHECKOUT

_README = (CHECKOUT / "tests" / "chaos" / "README.md").read_text()
_PROMISES = [line.split(" | ") for line in _README.splitlines() if re.match(r"\| \d+\. ", line)]
_CLUSTER_TESTS = sorted(set(re.findall(r"`(test_\w+)::(test_\w+)`", _README)))


def test_each_of_twelve_promises_has_a_scenario() -> None:
    numbers = [int(promise.removeprefix("| ").partition(".")[0]) for promise, *_ in _PROMISES]
    named = [re.findall(r"`([\w-]+)`", scenarios) for _, scenarios, _ in _PROMISES]
    assert numbers == list(range(1, 13))
    assert all(named)
    assert {name for names in named for name in names} == set(SCENARIOS)


@pytest.mark.parametrize(("module", "test"), _CLUSTER_TESTS)
def test_a_cluster_test_of_the_table_exists(module: str, test: str) -> None:
    assert f"def {test}(" in (CHECKOUT / "tests" / "cluster" / f"{module}.py").read_text()
