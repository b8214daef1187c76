"""Publishes the results of work: holds them while the bus is down, and bounds dead letters to what it takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event

from shared.bus.dead_letters import without_original
from shared.bus.port import Producer, Record, RecordTooLargeError
from shared.errors import TransientError
from shared.logs import get

_BUS_DOWN_WAIT_S = 1.0
_log = get(__name__)


@dataclass(frozen=True, slots=True)
class Publisher:
    """Puts records on the bus for one worker."""

    producer: Producer

    def publish(self, records: Sequence[Record], stop: Event) -> None:
        """Hold on to a durable result while the bus is down, rather than doing the work again.

        Raises:
            RecordTooLargeError: one of them is too large.
            TransientError: `stop` was set while the bus was down.
        """
        while records:
            try:
                self.producer.send(records)
                return
            except TransientError as error:
                _log.warning("bus does not take results", sentence=str(error))
                if stop.wait(_BUS_DOWN_WAIT_S):
                    raise

    def publish_letters(self, letters: Sequence[Record], stop: Event) -> None:
        """Publish dead letters, without the original records if those are too large."""
        try:
            self.publish(letters, stop)
        except RecordTooLargeError:
            self.publish([without_original(letter) for letter in letters], stop)
