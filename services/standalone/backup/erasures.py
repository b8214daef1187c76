"""Cases that were erased after a backup began: they are erased again once it is restored."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from medulla.v1.events_pb2 import CaseEraseRequested

from services.fusion_scorer.erase import EraseCase
from services.results.audit_chain import erasure_text
from services.results.errors import BrokenArchiveError
from services.results.sql_store import SqlStore
from services.standalone.backup.backup_store import BackupStore
from services.standalone.backup.manifest import Manifest
from shared import keys
from shared.blob.port import BlobStore
from shared.bus import topics
from shared.bus.events import decoder
from shared.bus.kafka_admin import read_topic
from shared.canonical import canonical_json, sha256
from shared.case_walk import walk
from shared.erased import ErasedCases, request
from shared.errors import PoisonMessageError
from shared.settings import KafkaSettings
from shared.units import CaseId, Sha256

_RESTORE = "restore"
_CLOCKS_DIFFER = timedelta(minutes=5)
_CASE_FOLDERS = (*keys.LANDED, keys.CASES, keys.SCORES, keys.LANDINGS)
"""Folders in which an object's key names its case."""


def marked(bucket: BlobStore) -> tuple[Sha256, ...]:
    """Digests of the ids of erased cases, as the bucket's markers have them."""
    markers = (info.key for info in bucket.list(keys.ERASED) if not info.key.startswith(keys.ERASED_SLIDES))
    return tuple(Sha256(key.removeprefix(keys.ERASED).removesuffix(".json")) for key in markers)


def in_backups(store: BackupStore, manifest: Manifest) -> set[Sha256]:
    """Those that this backup, or a newer one beside it, has."""
    newer = [name for name in store.names() if name >= manifest.name]
    return {digest for name in newer for digest in store.manifest(name).erased}


def on_the_bus(kafka: KafkaSettings, since: datetime) -> dict[Sha256, str]:
    """Those whose erasure was requested since a moment, and why, as the topic of requests still has them.

    A request with a condition is passed over: another one follows if the case met it.

    Raises:
        TransientError: Kafka is down, or refuses.
    """
    read, until = decoder(CaseEraseRequested), (since - _CLOCKS_DIFFER).timestamp()
    causes = dict[Sha256, str]()
    for delivery in read_topic(kafka, topics.CASES_ERASE):
        try:
            event = read(delivery.record)
        except PoisonMessageError:
            continue
        if delivery.written_at >= until and not event.HasField("idle_since"):
            causes.setdefault(sha256(event.case_id.encode()), event.cause)
    return causes


@dataclass(frozen=True)
class EraseAgain:
    """Erases cases by the digests of their ids."""

    causes: Mapping[Sha256, str]
    """Of each digest why the case was erased; empty if that is not known."""

    def mark(self, bucket: BlobStore) -> None:
        """Mark the cases as erased, so that services drop whatever still comes for them."""
        for digest, cause in sorted(self.causes.items()):
            marker = {"at": "", "cause": cause, "request": _RESTORE}
            bucket.put_new(f"{keys.ERASED}{digest}.json", canonical_json(marker))

    def in_bucket(self, bucket: BlobStore) -> int:
        """Erase their objects; returns how many cases had some. Dead letters go with Kafka's own retention."""
        erase = EraseCase(bucket, forget_letters=lambda _: None)
        cases = [case.case_id for case in walk(bucket, *_CASE_FOLDERS)] if self.causes else []
        erased = set(self._erased(cases))
        for case in sorted(erased):
            erase(request(case, _RESTORE))
        return len(erased)

    def in_results(self, results: SqlStore, bucket: BlobStore) -> int:
        """Erase their rows; returns how many cases had some. The audit record keeps an entry of each erasure."""
        cases, markers = results.case_ids() if self.causes else [], ErasedCases(bucket)
        return sum(_erase(results, case, self._cause(case) or markers.cause(case)) for case in self._erased(cases))

    def _cause(self, case: CaseId) -> str:
        return self.causes[sha256(case.encode())]

    def _erased(self, cases: Iterable[CaseId]) -> Iterator[CaseId]:
        return (case for case in cases if sha256(case.encode()) in self.causes)


def _erase(results: SqlStore, case: CaseId, cause: str) -> bool:
    """Erase the rows of a case; results erases later what a file of the archive that cannot be read has of it."""
    try:
        return results.erase(case, erasure_text(cause))
    except BrokenArchiveError:
        return True
