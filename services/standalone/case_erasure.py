"""Erases everything of a case, in the running system or in a folder of `medulla up`."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from services.fusion_scorer.erase import EraseCase
from services.results.sql_store import SqlStore
from services.standalone.laptop_results import DATABASE, database_url
from shared import keys
from shared.blob.folder import FolderStore
from shared.blob.port import BlobStore
from shared.blob.s3 import S3Store
from shared.bus.events import to_record
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.erased import ErasedCases, request
from shared.errors import TransientError
from shared.settings import PlatformSettings, load
from shared.units import CaseId

_OPERATOR = "operator"
_WAIT_S = 120.0
NOTHING_STORED = "erased, although nothing was stored of it; later inputs are dropped until --lift"


def erase_case(case: CaseId, folder: Path | None) -> str:
    """Erase a case in a folder of `medulla up`, or in the running system if there is none; returns its state.

    The id of a case of which nothing is stored may be misspelt, so the state says that.

    Raises:
        TransientError: the running system is down, or did not answer in time.
    """
    is_known = any(_remaining_keys(_store(folder), case))
    _erase_in_folder(folder, case) if folder else _erase_in_system(case)
    return "erased" if is_known else NOTHING_STORED


def lift_erasure(case: CaseId, folder: Path | None) -> str:
    """Allow an erased case again; returns its state."""
    return "lifted" if ErasedCases(_store(folder)).lift(case) else "not erased"


def _store(folder: Path | None) -> BlobStore:
    return FolderStore(folder) if folder else S3Store(load(PlatformSettings).s3)


def _erase_in_folder(folder: Path, case: CaseId) -> None:
    """Erase in the folder itself, whether or not `medulla up` is at work on it."""
    EraseCase(FolderStore(folder), forget_letters=lambda _: None)(request(case, _OPERATOR))
    if (folder / DATABASE).is_file():
        with closing(SqlStore(database_url(folder), blobs=FolderStore(folder))) as results:
            results.erase(case)


def _erase_in_system(case: CaseId) -> None:
    """Send the request to the services, and wait until the bucket holds nothing of the case.

    Raises:
        TransientError: they did not answer in time.
    """
    platform = load(PlatformSettings)
    with closing(KafkaProducerAdapter(platform.kafka)) as producer:
        producer.send([to_record(request(case, _OPERATOR, datetime.now(UTC).isoformat()), _OPERATOR)])
    until, store = time.monotonic() + _WAIT_S, S3Store(platform.s3)
    while not ErasedCases(store).holds(case) or any(_remaining_keys(store, case)):
        if time.monotonic() > until:
            raise TransientError(f"case {case} is not erased after {_WAIT_S:g} s; is the fusion scorer up?")
        time.sleep(1)


def _remaining_keys(store: BlobStore, case: CaseId) -> Iterator[str]:
    for prefix in (keys.slides(case), keys.vectors(case), keys.scores(case), keys.indexed(case), keys.landings(case)):
        yield from (info.key for info in store.list(prefix))
    if store.head(keys.clinical(case)):
        yield keys.clinical(case)
