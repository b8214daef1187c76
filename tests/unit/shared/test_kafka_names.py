"""Names on a Kafka that several installations share lead back to one installation and one topic."""

import pytest
from pydantic import ValidationError

from shared.bus import topics
from shared.bus.kafka_names import from_broker, of_installation, on_broker
from shared.settings import KafkaSettings

_INSTALLATIONS = [KafkaSettings(prefix=prefix) for prefix in ("", "north", "cases", "tiler", "north-2")]
_NAMES = (*topics.ALL, topics.retry_topic("tiler"), topics.retry_topic("embedder-uni"))


@pytest.mark.parametrize("name", _NAMES)
def test_a_name_on_kafka_belongs_to_one_installation_and_leads_back(name: str) -> None:
    for settings in _INSTALLATIONS:
        broker_name = on_broker(settings, name)
        assert from_broker(settings, broker_name) == name
        assert [each for each in _INSTALLATIONS if of_installation(each, broker_name)] == [settings]


def test_topics_of_other_programs_belong_to_no_installation() -> None:
    foreign = ("orders", "north.orders", "__consumer_offsets", "a.b.retry", "north.a.b.retry")
    assert [name for name in foreign for each in _INSTALLATIONS if of_installation(each, name)] == []


@pytest.mark.parametrize("prefix", ["North", "north.", "-north", "n" * 21, "a b"])
def test_a_prefix_is_one_short_plain_word(prefix: str) -> None:
    with pytest.raises(ValidationError):
        KafkaSettings(prefix=prefix)
