"""A secured broker: TLS, a password, and only the rights that were given."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.bus.kafka import KafkaConsumerAdapter
from shared.bus.kafka_admin import ensure_topics
from shared.bus.kafka_client import KafkaDownError, KafkaRefusedError
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.port import Record
from shared.settings import KafkaSettings
from tests.stack.process import free_ports
from tests.stack.secured_kafka import SecuredKafka
from tests.support.bus import Recorder, consume, running
from tests.support.certificates import self_signed
from tests.support.parts import KafkaPart
from tests.support.polling import eventually

ALLOWED, FORBIDDEN, GROUP = "slides.tiled", "cases.scored", "embedder"


@pytest.fixture(scope="module")
def broker(kafka: KafkaPart, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:  # noqa: ARG001 - asked for so that a missing Kafka skips
    port, controller_port, secure_port = free_ports(3)
    server = SecuredKafka(tmp_path_factory.mktemp("secured"), port, controller_port, secure_port)
    server.start()
    ensure_topics(KafkaSettings(bootstrap_servers=server.bootstrap), [ALLOWED, FORBIDDEN])
    server.allow([ALLOWED], [GROUP])
    yield server
    server.stop()


def sent(settings: KafkaSettings, record: Record) -> bool:
    """Whether a producer of its own got a record through."""
    try:
        producer = KafkaProducerAdapter(settings, deadline_s=10)
        producer.send([record])
        producer.close()
    except (KafkaDownError, KafkaRefusedError):
        return False
    return True


def test_records_cross_a_secured_broker(broker: SecuredKafka) -> None:
    recorder = Recorder()
    eventually(lambda: sent(broker.settings, Record(ALLOWED, "case-1", b"hello")))
    with running(consume(KafkaConsumerAdapter(broker.settings, GROUP, [ALLOWED], concurrency=1), recorder)):
        (delivery,) = recorder.wait_for(1)
    assert (delivery.record.key, delivery.record.value) == ("case-1", b"hello")


def test_a_topic_without_the_right_to_write_is_refused_for_good(broker: SecuredKafka) -> None:
    eventually(lambda: sent(broker.settings, Record(ALLOWED, "case-1", b"known")))
    producer = KafkaProducerAdapter(broker.settings, deadline_s=10)
    with pytest.raises(KafkaRefusedError, match=FORBIDDEN):
        producer.send([Record(FORBIDDEN, "case-1", b"secret")])
    producer.close()


def test_a_wrong_password_or_a_foreign_authority_is_named_without_the_password(
    broker: SecuredKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.bus.kafka_client._BOOTSTRAP_MS", 3_000)
    wrong = {"sasl_password": SecretStr("not-the-password")}, {"ssl_cafile": self_signed(tmp_path).certificate}
    for changed in wrong:
        with pytest.raises((KafkaDownError, KafkaRefusedError), match="password of medulla") as caught:
            KafkaProducerAdapter(broker.settings.model_copy(update=changed))
        assert "not-the-password" not in str(caught.value)
