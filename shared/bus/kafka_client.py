"""Connection options of every Kafka client of Medulla, and its errors as sentences for people."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kafka.errors import (
    AuthorizationError,
    BrokerResponseError,
    KafkaError,
    RetriableError,
    SaslAuthenticationFailedError,
)

from shared.bus.kafka_login import as_options
from shared.bus.kafka_names import from_broker
from shared.bus.port import Delivery, Record
from shared.errors import MedullaError, TransientError
from shared.settings import KafkaSettings

_BOOTSTRAP_MS = 15_000
_REQUEST_MS = 15_000


class KafkaDownError(TransientError):
    """Kafka does not answer, or not in time."""


class KafkaRefusedError(MedullaError):
    """Kafka answers, but refuses the request."""


def connection(settings: KafkaSettings) -> dict[str, Any]:
    """Arguments for kafka-python's clients: address, credentials and deadlines.

    Raises:
        KafkaRefusedError: the CA file cannot be read.
    """
    common: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers.split(","),
        "client_id": settings.group_instance_id or "medulla",
        "security_protocol": settings.security_protocol,
        "bootstrap_timeout_ms": _BOOTSTRAP_MS,
        "request_timeout_ms": _REQUEST_MS,
        "reconnect_backoff_max_ms": 1_000,
    }
    if settings.ssl_cafile is not None:
        common["ssl_cafile"] = _checked(settings.ssl_cafile)
    if settings.security_protocol.startswith("SASL"):
        common |= {"sasl_mechanism": settings.sasl_mechanism, **as_options(settings.login)}
    return common


def _checked(ca_file: Path) -> str:
    try:
        ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise KafkaRefusedError(f"the CA file {ca_file} of Kafka cannot be read: {error.strerror or error}") from error
    return str(ca_file)


@contextmanager
def explained(settings: KafkaSettings) -> Iterator[None]:
    """Turn errors of kafka-python into ours.

    Raises:
        KafkaDownError: no answer in time, which is also the symptom of a wrong CA file; or a wrong password, which may
            be about to change.
        KafkaRefusedError: Kafka refuses for good.
    """
    try:
        yield
    except RetriableError as error:
        raise KafkaDownError(_no_answer(settings, error)) from error
    except SaslAuthenticationFailedError as error:
        raise KafkaDownError(
            f"Kafka at {settings.bootstrap_servers} does not accept the password of {settings.login().username}"
        ) from error
    except AuthorizationError as error:
        raise KafkaRefusedError(
            f"Kafka at {settings.bootstrap_servers} does not let {settings.login().username or 'us'} do this: {error}"
        ) from error
    except BrokerResponseError as error:
        raise KafkaRefusedError(f"Kafka at {settings.bootstrap_servers} refuses: {error}") from error


def _no_answer(settings: KafkaSettings, error: KafkaError) -> str:
    sentence = f"Kafka at {settings.bootstrap_servers} does not answer ({error})"
    if settings.security_protocol == "PLAINTEXT":
        return f"{sentence}; check that it runs and that the address is right"
    secrets = [f"the CA file {settings.ssl_cafile or 'of the system'}"] if "SSL" in settings.security_protocol else []
    if settings.security_protocol.startswith("SASL"):
        secrets.insert(0, f"the password of {settings.login().username or 'nobody'}")
    return f"{sentence}; check that it runs, and {' and '.join(secrets)}: a wrong one has the same symptom"


def to_delivery(read: Any, settings: KafkaSettings) -> Delivery:
    """A ConsumerRecord of kafka-python as ours; bytes that are not UTF-8 survive a round trip."""
    record = Record(
        topic=from_broker(settings, read.topic),
        key=_text(read.key),
        value=read.value or b"",
        headers={name: _text(value) for name, value in read.headers},
    )
    return Delivery(record, read.partition, read.offset, read.timestamp / 1000)


def key_bytes(key: str) -> bytes | None:
    """A key for Kafka; with an empty one Kafka chooses the partition."""
    return _bytes(key) or None


def header_list(headers: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """Headers for Kafka."""
    return [(name, _bytes(text)) for name, text in headers.items()]


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def known_partitions(consumer: Any, topic: str) -> set[int]:
    """The partitions of a topic in the consumer's memory; none where it is deleted or not shown to us.

    The public `partitions_for_topic` of kafka-python 3.0.12 fetches all metadata for such a topic, and waits for it
    without a deadline.
    """
    partitions: set[int] | None = consumer._cluster.partitions_for_topic(topic)
    return partitions or set()
