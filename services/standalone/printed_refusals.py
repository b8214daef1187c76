"""Prints the refusals of `medulla up` on the terminal, each version of an input once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock

from medulla.v1.events_pb2 import SlideRejected

from services.standalone.advice import here
from services.standalone.console import say
from shared import keys
from shared.bus import dead_letters, topics
from shared.bus.events import decoder
from shared.bus.memory import MemoryBus
from shared.bus.port import Delivery
from shared.errors import PoisonMessageError
from shared.incidents import contained
from shared.text import clean

_WITH_EVENT = (topics.S3_EVENTS, topics.SLIDES_TILED, topics.CASES_RESCORE, topics.CASES_RESCORE_BACKGROUND)
"""Topics whose refused records give a SlideRejected beside the dead letter, unless they cannot be decoded."""
_read = decoder(SlideRejected)


@dataclass(frozen=True)
class PrintedRefusals:
    """A part: prints one line for each refusal, with its file."""

    bus: MemoryBus
    bucket: str
    is_current: Callable[[SlideRejected], bool]
    """Whether a refusal is about what is in the folder now; others are not printed."""
    write: Callable[[str], None] = say
    bundle: Path | None = None
    """The bundle that refuses records and vectors; None for the one that ships."""
    _printed: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def run(self, stop: Event) -> None:
        """Print until `stop` is set."""
        self.bus.consumer("refusals", [topics.SLIDES_REJECTED, topics.DEAD_LETTERS]).run(stop, self.on_delivery)

    def on_delivery(self, delivery: Delivery) -> None:
        """Print one refusal, unless it was printed before or another record has it."""
        with contained("refusals"):
            if delivery.record.topic == topics.SLIDES_REJECTED:
                self._print_rejection(_read(delivery.record))
            else:
                self._print_letter(dead_letters.read(delivery.record))

    def _print_rejection(self, rejection: SlideRejected) -> None:
        if not self.is_current(rejection):
            return
        landed = rejection.object_key.startswith(keys.LANDED)
        self._once(
            rejection.event_id,
            rejection.object_key if landed else rejection.case_id,
            rejection.sentence,
            rejection.reason,
            rejection.advice,
        )

    def _print_letter(self, letter: dead_letters.DeadLetter) -> None:
        has_event = dead_letters.topic_of(letter.origin) in _WITH_EVENT
        if not has_event or letter.reason == PoisonMessageError.reason:
            key = letter.key.removeprefix(f"{self.bucket}/")
            self._once(letter.origin, key, letter.sentence, letter.reason, letter.advice)

    def _once(self, version: str, key: str, sentence: str, reason: str, advice: str) -> None:
        with self._lock:
            if version not in self._printed:
                self._printed.add(version)
                self.write(f"Refused {clean(key)}: {sentence} [{reason}]. {here(reason, advice, self.bundle)}")
