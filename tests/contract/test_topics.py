"""Topics as the chart's job creates them, on a real broker."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from shared.bus.kafka_client import KafkaDownError
from shared.bus.kafka_topics import TopicSpec, adjust_topics
from shared.settings import KafkaSettings
from tests.support.parts import KafkaPart


@pytest.fixture
def settings(kafka: KafkaPart) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka.bootstrap)


def _topic_state(settings: KafkaSettings, topic: str) -> tuple[int, Mapping[str, Any]]:
    admin = KafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    (described,) = admin.describe_topics([topic])
    (configs,) = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)]).values()
    admin.close()
    return len(described["partitions"]), configs[topic]


def test_topics_are_created_once_and_then_adjusted(settings: KafkaSettings, kafka: KafkaPart) -> None:
    name = kafka.topic("adjust")
    other = f"{name}.new"
    specs = {name: TopicSpec(partitions=5, configs={"retention.ms": "-1"}), other: TopicSpec(partitions=2)}
    sentences = adjust_topics(settings, specs)
    assert f"{other} made" in sentences
    partitions, configs = _topic_state(settings, name)
    assert partitions == 5
    assert str(configs["retention.ms"]["value"]) == "-1"
    assert adjust_topics(settings, specs) == []


def test_partitions_that_kafka_cannot_take_away_are_reported_and_stay(
    settings: KafkaSettings, kafka: KafkaPart
) -> None:
    name = kafka.topic("wide")
    (sentence,) = adjust_topics(settings, {name: TopicSpec(partitions=1)})
    assert "cannot take any away" in sentence


def test_the_job_reports_in_one_line_that_kafka_is_down() -> None:
    specs = json.dumps({"slides.tiled": {"partitions": 1}})
    environment = {**os.environ, "MEDULLA_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, "-m", "shared.bus", specs], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "does not answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_job_refuses_unknown_settings() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "shared.bus", '{"t": {"partition": 1}}'], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "partition" in done.stderr


def test_a_broker_that_is_down_is_a_transient_error() -> None:
    with pytest.raises(KafkaDownError):
        adjust_topics(KafkaSettings(bootstrap_servers="127.0.0.1:1"), {"a": TopicSpec()})
