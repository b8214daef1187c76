"""Runs the pieces of a cross-validation on a Dask cluster, whose workers read the bags themselves."""

import atexit
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from services.trainer.bucket.copies import copies
from services.trainer.cluster import on_cluster
from services.trainer.cohort.embeddings import Embeddings, read_embeddings
from services.trainer.errors import ClusterUnfitError
from services.trainer.evaluation.run import Content, Job, content_of, one_thread

_ONE_AT_A_TIME = Lock()
"""A worker may have several threads, and random numbers of networks belong to its whole process."""


@dataclass(frozen=True)
class ClusterEngine:
    """The workers of a scheduler, in place of processes of this machine."""

    address: str
    bags: Path | None
    """Where workers read bags: a folder that all machines share, or an `s3://` name."""

    def __call__(self, job: Job, todo: Sequence[str]) -> Iterator[tuple[str, Content]]:
        """See Engine."""
        digest = job.embeddings.digest if job.embeddings else ""
        sent = SentJob(replace(job, embeddings=None), self.bags if job.embeddings else None, digest)
        yield from on_cluster(self.address, on_worker, todo, sent)


@dataclass(frozen=True, eq=False)
class SentJob:
    """What a worker gets: the cohort itself, and where its bags are."""

    job: Job
    bags: Path | None
    digest: str
    """Of the embeddings; empty without."""


def on_worker(piece: str, sent: SentJob) -> tuple[str, Content]:
    """A piece with its name, computed in the worker's process."""
    with _ONE_AT_A_TIME:
        job = replace(sent.job, embeddings=_opened(sent)) if sent.bags else sent.job
        one_thread(torch=sent.bags is not None)
        return piece, content_of(job, piece)


_OPENED: dict[str, Embeddings] = {}
"""Bags by digest, which this process has opened and keeps until it ends."""


def _opened(sent: SentJob) -> Embeddings:
    if sent.digest not in _OPENED and sent.bags:
        kept = ExitStack()
        atexit.register(kept.close)
        copied = kept.enter_context(copies())
        bags = read_embeddings(copied.bags(sent.bags, sent.job.cohort.case_ids, lambda _done, _total: None))
        if bags.digest != sent.digest:
            raise ClusterUnfitError(f"a worker of the cluster reads other bags at {sent.bags} than this machine")
        _OPENED[sent.digest] = bags
    return _OPENED[sent.digest]
