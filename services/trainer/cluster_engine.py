"""Computes pieces on a Dask cluster, whose workers read the bags themselves."""

import atexit
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from services.trainer.bucket.copies import copies
from services.trainer.cluster import on_cluster
from services.trainer.cohort.embeddings import Embeddings, read_embeddings
from services.trainer.engine import Engine, Processes, Work, compute, default_workers
from services.trainer.errors import ClusterUnfitError
from shared.progress import silent

R = TypeVar("R")
_ONE_AT_A_TIME = Lock()
"""A worker may have several threads, and random numbers of networks belong to its whole process."""


def engine_of(address: str | None, bags: Path | None, workers: int | None) -> Engine:
    """Workers of the scheduler at `address`, who read bags at `bags`; else `workers` processes, or one a processor."""
    return ClusterEngine(address, bags) if address else Processes(workers or default_workers())


@dataclass(frozen=True)
class ClusterEngine:
    """The workers of a scheduler, in place of processes of this machine."""

    address: str
    bags: Path | None
    """Where workers read bags: a folder that all machines share, or an `s3://` name."""

    def __call__(self, work: Work[R], pieces: Sequence[str]) -> Iterator[tuple[str, R]]:
        """See Engine."""
        yield from on_cluster(self.address, on_worker, pieces, self._sent(work))

    def _sent(self, work: Any) -> "SentWork":
        if work.embeddings is None:
            return SentWork(work, None, "")
        return SentWork(replace(work, embeddings=None), self.bags, work.embeddings.digest)


@dataclass(frozen=True, eq=False)
class SentWork:
    """What a worker gets: the work itself without its bags, and where these are."""

    work: Any
    bags: Path | None
    digest: str
    """Of the embeddings; empty without."""


def on_worker(piece: str, sent: SentWork) -> tuple[str, Any]:
    """A piece with its name, computed in the worker's process."""
    with _ONE_AT_A_TIME:
        work = replace(sent.work, embeddings=_opened(sent)) if sent.bags else sent.work
        return piece, compute(work, piece)


_OPENED: dict[str, Embeddings] = {}
"""Bags by digest, which this process has opened and keeps until it ends."""


def _opened(sent: SentWork) -> Embeddings:
    if sent.digest not in _OPENED and sent.bags:
        kept = ExitStack()
        atexit.register(kept.close)
        copied = kept.enter_context(copies())
        bags = read_embeddings(copied.bags(sent.bags, sent.work.cohort.case_ids, silent))
        if bags.digest != sent.digest:
            raise ClusterUnfitError(f"a worker of the cluster reads other bags at {sent.bags} than this machine")
        _OPENED[sent.digest] = bags
    return _OPENED[sent.digest]
