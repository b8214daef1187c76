"""The schedule: head first, then the encoder at a rate that falls, until nothing is gained."""

import itertools

from services.trainer.finetune.settings import Settings

SETTINGS = Settings(epochs=10, frozen_epochs=3, patience=2, share=0.4, rate=1e-4)


def test_the_encoder_is_frozen_first_and_trained_then() -> None:
    assert [SETTINGS.trained_share(epoch) for epoch in (1, 3, 4, 10)] == [0.0, 0.0, 0.4, 0.4]
    assert [SETTINGS.rates(epoch)[1] for epoch in (1, 3, 4)] == [0.0, 0.0, 1e-4]


def test_rates_fall_once_the_encoder_is_trained() -> None:
    falling = [SETTINGS.rates(epoch) for epoch in range(4, 11)]
    assert all(a[0] > b[0] and a[1] > b[1] > 0 for a, b in itertools.pairwise(falling))


def test_it_stops_after_patience_counted_from_the_end_of_the_frozen_epochs_or_the_last_gain() -> None:
    assert not SETTINGS.over(3, 1)
    assert not SETTINGS.over(4, 1)
    assert SETTINGS.over(5, 1)
    assert not SETTINGS.over(5, 4)
    assert SETTINGS.over(10, 10)
