"""The dead letters of the running system, for the command line."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial

from shared.bus.dead_letter_topic import DeadLetterReader, DeadLetterTopic, Letter
from shared.bus.kafka_admin import forget, read_topic
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.settings import KafkaSettings, PlatformSettings, load


def letters_with(reason: str | None) -> list[Letter]:
    """See DeadLetterReader."""
    return _reader().letters_with(reason)


def letters_named(ids: Sequence[str]) -> list[Letter]:
    """See DeadLetterReader."""
    return _reader().letters_named(ids)


def send_again(letters: Iterable[Letter]) -> None:
    """See DeadLetterTopic."""
    with _topic() as (topic, _):
        topic.send_again(letters)


def drop(letters: Iterable[Letter]) -> None:
    """See DeadLetterTopic."""
    with _topic() as (topic, kafka):
        topic.drop(letters, lambda name, is_dropped: forget(kafka, topic.producer, name, lambda: is_dropped))


@contextmanager
def _topic() -> Iterator[tuple[DeadLetterTopic, KafkaSettings]]:
    kafka = _kafka()
    with closing(KafkaProducerAdapter(kafka)) as producer:
        yield DeadLetterTopic(partial(read_topic, kafka), producer), kafka


def _reader() -> DeadLetterReader:
    return DeadLetterReader(partial(read_topic, _kafka()))


def _kafka() -> KafkaSettings:
    return load(PlatformSettings).kafka
