"""The schedule: a rate that falls, until nothing is gained."""

import itertools

from services.trainer.finetune.settings import Settings

SETTINGS = Settings(epochs=10, patience=2, rate=1e-4)


def test_the_rate_falls_and_never_ends_before_the_last_epoch() -> None:
    falling = [SETTINGS.rate_of(epoch) for epoch in range(1, 11)]
    assert falling[0] == SETTINGS.rate
    assert all(a > b > 0 for a, b in itertools.pairwise(falling))


def test_it_stops_after_patience_counted_from_the_last_gain() -> None:
    assert not SETTINGS.over(1, 0)
    assert SETTINGS.over(2, 0)
    assert not SETTINGS.over(5, 4)
    assert SETTINGS.over(10, 10)
