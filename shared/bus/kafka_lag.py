"""How far a consumer is behind, partition by partition, as a metric."""

import time
from contextlib import suppress
from typing import Any

from kafka.errors import KafkaError

from shared import metrics
from shared.bus.lanes import Lanes, Place

_EVERY_S = 15.0
_DEADLINE_MS = 2_000


class LagGauge:
    """Keeps `medulla_consumer_lag_records` for the partitions that the consumer holds; not thread-safe."""

    def __init__(self, consumer: Any, lanes: Lanes, group: str) -> None:
        self._consumer, self._lanes, self._group = consumer, lanes, group
        self._shown: set[Place] = set()
        self._due = time.monotonic()

    def refresh(self) -> None:
        """Measure, at most every 15 s; an unanswered question leaves the gauge as it was."""
        if time.monotonic() < self._due or not self._consumer.assignment():
            return
        self._due = time.monotonic() + _EVERY_S
        with suppress(KafkaError):
            self._show(self._measured())

    def _measured(self) -> dict[Place, int]:
        """Records between the end of each partition and the first one that is not finished."""
        partitions = list(self._consumer.assignment())
        ends = self._consumer.end_offsets(partitions, timeout_ms=_DEADLINE_MS)
        unfinished = self._lanes.next_offsets()
        lags = {}
        for partition in partitions:
            place = Place(*partition)
            if place not in unfinished:
                unfinished[place] = self._consumer.position(partition, timeout_ms=_DEADLINE_MS) or 0
            lags[place] = max(0, ends[partition] - unfinished[place])
        return lags

    def _show(self, lags: dict[Place, int]) -> None:
        for stale in self._shown - set(lags):
            metrics.CONSUMER_LAG.remove(self._group, stale.topic, str(stale.partition))
        for place, lag in lags.items():
            metrics.CONSUMER_LAG.labels(self._group, place.topic, str(place.partition)).set(lag)
        self._shown = set(lags)
