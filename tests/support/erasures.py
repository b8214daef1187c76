"""Erasures of a case as the services make them, and what they leave."""

from functools import partial
from pathlib import Path

import pytest
from medulla.v1.events_pb2 import CaseEraseRequested

from services.fusion_scorer.erase import EraseCase
from shared import keys
from shared.blob.port import BlobStore
from shared.erased import request
from shared.units import CaseId
from tests.support.dying_store import DyingStore, KilledError
from tests.support.slides import cc0_bytes
from tests.support.tiling import tiling

PLAN_WRITES = 4
INTERRUPTIONS = [(0, 0), *((first, last) for last in range(PLAN_WRITES + 1) for first in range(last))]
"""Before which write of a plan a case is erased, and after how many its tiler is killed."""


def erase(store: BlobStore, case: CaseId) -> None:
    """Erase a case, and once more as the first request asks."""
    erase_case = EraseCase(store, lambda _: None)
    for event in erase_case(request(case, "operator")):
        if isinstance(event, CaseEraseRequested):
            erase_case(event)


def kill_tiler(store: BlobStore, folder: Path, case: CaseId, interrupted_at: int, dies_after: int) -> None:
    """Land a slide, erase its case between the tiler's writes of the plan, and kill the tiler."""
    dying = DyingStore(store, "plans/", partial(erase, store, case), interrupted_at, dies_after)
    store.put(f"{keys.slides(case)}S.svs", cc0_bytes())
    with tiling(folder, store=dying) as tiler, pytest.raises(KilledError):
        tiler.hint(f"{keys.slides(case)}S.svs")


def keys_of(store: BlobStore) -> list[str]:
    """Every key of the bucket."""
    return [info.key for info in store.list("")]
