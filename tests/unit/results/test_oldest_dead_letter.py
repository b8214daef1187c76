"""The age of the oldest dead letter, which Kafka deletes by its age where it has a retention."""

import pytest
from prometheus_client import REGISTRY

from services.results.oldest_dead_letter import OldestDeadLetter

NOW = 1_000_000.0


@pytest.mark.parametrize(("written", "age"), [(None, 0.0), (NOW - 86_400, 86_400.0), (NOW + 5, 0.0)])
def test_the_age_is_told_and_is_none_without_letters(written: float | None, age: float) -> None:
    OldestDeadLetter(lambda: written, lambda: NOW)()
    assert REGISTRY.get_sample_value("medulla_oldest_dead_letter_seconds") == age
