"""What a missing part or library does to the tests that need it: skips them at home, fails them in CI."""

import os
from importlib import import_module
from typing import Any, NoReturn

import pytest


def skips_missing_parts() -> bool:
    """Whether this run is outside CI."""
    return os.environ.get("CI") != "true"


def skip_or_fail(reason: str) -> NoReturn:
    """End a test, or a module while it is collected, whose part or library is missing."""
    if skips_missing_parts():
        pytest.skip(reason, allow_module_level=True)
    pytest.fail(reason, pytrace=False)


def optional_library(name: str, group: str) -> Any:
    """The module `name`, which a dependency group of pyproject.toml brings."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        skip_or_fail(f"{name} is not installed; it is in the group `{group}`")
