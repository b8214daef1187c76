"""The bus port on Kafka: a producer that waits for every acknowledgement."""

import time
from collections.abc import Sequence
from threading import Lock
from typing import Any

from kafka import KafkaProducer
from kafka.errors import (
    IllegalStateError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)

from shared.bus.kafka_client import connection, explained, header_list, key_bytes
from shared.bus.kafka_names import on_broker
from shared.bus.port import LARGEST_BYTES, Record, RecordTooLargeError, size_of
from shared.settings import KafkaSettings

_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


class KafkaProducerAdapter:
    """Returns from `send` once every in-sync replica holds the records; safe to share between threads.

    After a failure it reconnects: kafka-python 3.0.12 sends nothing after a record has timed out, and reports the
    broker's refusal of one record for every later record.
    """

    def __init__(self, settings: KafkaSettings, deadline_s: float = 30.0) -> None:
        self._settings = settings
        self._deadline_s = deadline_s
        self._lock = Lock()
        self._producer: Any = None
        with explained(settings):
            self._connected()

    def send(self, records: Sequence[Record]) -> None:
        """Return when Kafka holds all of them durably.

        Raises:
            KafkaDownError: no acknowledgement in time; sending again is safe.
            KafkaRefusedError: no right to write there.
            RecordTooLargeError: Kafka does not take one of them because of its size.
        """
        with explained(self._settings):
            producer = self._connected()
            try:
                self._sent(producer, records)
            except _TOO_LARGE:
                self._disconnect(producer)
                self._send_alone(records)
            except IllegalStateError as error:
                raise KafkaTimeoutError("the connection was closed after another record's failure") from error
            except KafkaError:
                self._disconnect(producer)
                raise

    def _send_alone(self, records: Sequence[Record]) -> None:
        """Send on a separate connection, so that a refusal cannot be that of another thread's record."""
        producer = self._new()
        try:
            self._sent(producer, records)
        except _TOO_LARGE as error:
            largest = max(records, key=size_of)
            raise RecordTooLargeError(f"a record of {size_of(largest)} bytes for topic {largest.topic}") from error
        finally:
            producer.close(timeout=0)

    def _sent(self, producer: Any, records: Sequence[Record]) -> None:
        end = time.monotonic() + self._deadline_s
        acknowledgements = [
            producer.send(
                on_broker(self._settings, record.topic),
                record.value,
                key=key_bytes(record.key),
                headers=header_list(record.headers),
            )
            for record in records
        ]
        for acknowledgement in acknowledgements:
            acknowledgement.get(timeout=max(0.1, end - time.monotonic()))

    def _connected(self) -> Any:
        with self._lock:
            if self._producer is None:
                self._producer = self._new()
            return self._producer

    def _new(self) -> Any:
        limit = round(self._deadline_s * 1000)
        return KafkaProducer(
            **{**connection(self._settings), "request_timeout_ms": limit // 2},
            acks="all",
            linger_ms=0,
            max_block_ms=limit,
            delivery_timeout_ms=limit,
            max_request_size=LARGEST_BYTES,
            allow_auto_create_topics=False,
        )

    def _disconnect(self, producer: Any) -> None:
        with self._lock:
            if self._producer is producer:
                self._producer = None
        producer.close(timeout=0)

    def close(self) -> None:
        """Close the connections; nothing is in flight, since `send` waits."""
        if self._producer is not None:
            self._disconnect(self._producer)
