"""The dead letters of the running system, for the command line."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial

from shared.blob.port import BlobStore
from shared.blob.s3 import S3Store
from shared.bus.dead_letter_topic import DeadLetterReader, DeadLetterTopic, Letter
from shared.bus.kafka_admin import IsObsolete, forget, read_topic
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.erased import letters_to_forget
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
    """See DeadLetterTopic; letters that an erasure removes meanwhile are not written anew."""
    store = S3Store(load(PlatformSettings).s3)
    with _topic() as (topic, kafka):
        topic.drop(
            letters, lambda name, is_dropped: forget(kafka, topic.producer, name, partial(_obsolete, store, is_dropped))
        )


def _obsolete(store: BlobStore, is_dropped: IsObsolete) -> IsObsolete:
    is_erased = letters_to_forget(store)
    return lambda delivery: is_dropped(delivery) or is_erased(delivery)


@contextmanager
def _topic() -> Iterator[tuple[DeadLetterTopic, KafkaSettings]]:
    kafka = _kafka()
    with closing(KafkaProducerAdapter(kafka)) as producer:
        yield DeadLetterTopic(partial(read_topic, kafka), producer), kafka


def _reader() -> DeadLetterReader:
    return DeadLetterReader(partial(read_topic, _kafka()))


def _kafka() -> KafkaSettings:
    return load(PlatformSettings).kafka
