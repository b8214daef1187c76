"""Settings of the fusion scorer."""

import pytest

from services.fusion_scorer.settings import ScorerSettings
from shared.settings import BadSettingsError, SqsSettings, load


def test_without_a_queue_only_kafka_is_read() -> None:
    assert load(ScorerSettings).sqs is None


def test_a_queue_of_events_needs_its_address_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCORER_SQS__URL", "https://queue/records")
    assert load(ScorerSettings).sqs == SqsSettings(url="https://queue/records")


@pytest.mark.parametrize(("name", "value"), [("SCORER_SQS__ENDPOINT_URL", "queue:9324"), ("SCORER_CONCURRENCY", "0")])
def test_a_wrong_value_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettingsError, match=name):
        load(ScorerSettings)
