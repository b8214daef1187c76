"""A scorer for every test."""

from pathlib import Path

import pytest

from tests.support.scorer import Scorer


@pytest.fixture
def scorer(tmp_path: Path) -> Scorer:
    scorer = Scorer(tmp_path)
    scorer.promote()
    return scorer
