"""A secured broker: TLS, a password, and only the rights that were given."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared import renewed
from shared.bus.kafka import KafkaConsumerAdapter
from shared.bus.kafka_admin import ensure_topics
from shared.bus.kafka_client import KafkaDownError, KafkaRefusedError
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.port import Record
from shared.settings import SECRETS_DIR, KafkaSettings, PlatformSettings
from tests.stack.process import free_ports
from tests.stack.secured_kafka import SecuredKafka
from tests.support.bus import REJOIN_S, Recorder, consume, delivered, running
from tests.support.certificates import self_signed
from tests.support.logs import logging_as
from tests.support.parts import KafkaPart
from tests.support.polling import eventually, wait_for

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


@pytest.fixture
def mounted(broker: SecuredKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], KafkaSettings]:
    """Mounts a password; the settings are those of a service that runs."""
    monkeypatch.setenv(SECRETS_DIR, str(tmp_path))

    def mount(password: str) -> KafkaSettings:
        (tmp_path / "MEDULLA_KAFKA__SASL_USERNAME").write_text(broker.settings.sasl_username)
        (tmp_path / "MEDULLA_KAFKA__SASL_PASSWORD").write_text(password)
        return renewed.platform(PlatformSettings(kafka=broker.settings)).kafka

    return mount


@contextmanager
def restored(broker: SecuredKafka) -> Iterator[None]:
    """Sets the broker's own password again at the end."""
    try:
        yield
    finally:
        broker.set_password(broker.password)


def test_a_running_consumer_and_producer_log_in_with_the_password_that_is_mounted_by_then(
    broker: SecuredKafka, mounted: Callable[[str], KafkaSettings]
) -> None:
    settings, recorder = mounted(broker.password), Recorder(lambda delivery: delivery.record.key == "renewed")
    producer = KafkaProducerAdapter(settings, deadline_s=5)
    consumer = KafkaConsumerAdapter(settings, GROUP, [ALLOWED])
    with (
        restored(broker),
        closing(producer),
        logging_as("embedder", "WARNING") as logged,
        running(consume(consumer, recorder)) as member,
    ):
        producer.send([Record(ALLOWED, "renewed", b"before")])
        recorder.wait_for(1)
        broker.set_password("another")
        broker.stop()
        broker.start()
        eventually(lambda: "SaslAuthenticationFailedError" in str(logged.lines("polling again")))
        mounted("another")
        eventually(lambda: delivered(producer, Record(ALLOWED, "renewed", b"after")))
        assert wait_for(lambda: recorder.deliveries[-1].record.value == b"after", REJOIN_S)
        assert member.error is None


def test_a_running_consumer_and_producer_trust_the_authorities_that_are_mounted_by_then(broker: SecuredKafka) -> None:
    recorder = Recorder(lambda delivery: delivery.record.key == "trusted")
    producer = KafkaProducerAdapter(broker.settings, deadline_s=5)
    with running(consume(KafkaConsumerAdapter(broker.settings, GROUP, [ALLOWED]), recorder)) as member:
        producer.send([Record(ALLOWED, "trusted", b"before")])
        recorder.wait_for(1)
        broker.stop()
        broker.start()
        eventually(lambda: delivered(producer, Record(ALLOWED, "trusted", b"after")))
        assert wait_for(lambda: recorder.deliveries[-1].record.value == b"after", REJOIN_S)
        assert member.error is None
    producer.close()


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
