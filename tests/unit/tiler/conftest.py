"""Fixtures of the tiler's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tiling import Tiling, tiling


@pytest.fixture
def tiler(tmp_path: Path) -> Iterator[Tiling]:
    """A tiler on a bucket in memory."""
    with tiling(tmp_path) as created:
        yield created
