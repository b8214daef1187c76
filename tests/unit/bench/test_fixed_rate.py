"""The encoder that takes as long as a GPU's would: what is in its queue starts when the device is free."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from tests.bench import fixed_rate
from tests.bench.fixed_rate import FixedRateEncoder

TEN_TILES = np.zeros((10, 1, 1, 3), np.uint8)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that callers wait; all of them ask at the same moment."""
    waits = list[float]()
    monkeypatch.setattr(fixed_rate, "monotonic", lambda: 100.0)
    monkeypatch.setattr(fixed_rate, "sleep", waits.append)
    return waits


def test_batches_that_are_asked_for_at_once_are_done_one_after_the_other(slept: list[float]) -> None:
    encoder = FixedRateEncoder(20)
    features = [encoder.embed(TEN_TILES) for _ in range(3)]
    assert slept == [0.5, 1.0, 1.5]
    assert {each.shape for each in features} == {(10, encoder.manifest.dim)}


def test_a_device_that_was_idle_starts_when_it_is_asked(slept: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = FixedRateEncoder(20)
    encoder.embed(TEN_TILES)
    monkeypatch.setattr(fixed_rate, "monotonic", lambda: 200.0)
    encoder.embed(TEN_TILES)
    assert slept == [0.5, 0.5]


def test_no_caller_waits_for_another_to_hand_on_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    both_sleep = Barrier(2, timeout=30)
    monkeypatch.setattr(fixed_rate, "sleep", lambda _: both_sleep.wait())
    encoder = FixedRateEncoder(20)
    with ThreadPoolExecutor(2) as pool:
        assert len(list(pool.map(encoder.embed, [TEN_TILES, TEN_TILES]))) == 2
