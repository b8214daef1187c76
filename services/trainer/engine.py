"""Where pieces of work are computed: here, in processes of this machine, or wherever an engine runs them."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from threadpoolctl import threadpool_limits

from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.parallel import parallel
from shared.progress import Advance

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Work(Protocol[R_co]):
    """A frozen dataclass of what all pieces share; a piece gives the same bytes wherever it is computed."""

    @property
    def cohort(self) -> Cohort:
        """Whose patients the pieces are about."""

    @property
    def embeddings(self) -> Embeddings | None:
        """Their bags, which another machine opens itself; None for pieces that read none."""

    def __call__(self, piece: str) -> R_co:
        """Compute one piece by its name."""


class Engine(Protocol):
    """Computes pieces wherever it does."""

    def __call__(self, work: Work[R], pieces: Sequence[str]) -> Iterator[tuple[str, R]]:
        """Pieces by name, in the order in which they are finished."""


@dataclass(frozen=True)
class Processes:
    """Processes of this machine; a single one is this one."""

    workers: int = 1

    def __call__(self, work: Work[R], pieces: Sequence[str]) -> Iterator[tuple[str, R]]:
        """See Engine."""
        if self.workers > 1 and len(pieces) > 1:
            yield from parallel(_run, pieces, self.workers, _prepare, work)
            return
        for piece in pieces:
            yield piece, compute(work, piece)


def results_of(work: Work[R], pieces: Sequence[str], engine: Engine, advance: Advance) -> dict[str, R]:
    """Results of pieces by name, wherever `engine` computes them; `advance` counts them."""
    results: dict[str, R] = {}
    for piece, result in engine(work, pieces):
        results[piece] = result
        advance(len(results), len(pieces))
    return results


HERE = Processes()
"""This process."""


def compute(work: Work[R], piece: str) -> R:
    """One piece, by one thread of linear algebra: the same to the last digit however many processors there are."""
    with threadpool_limits(1):
        return work(piece)


def default_workers() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0))


_WORK: list[Work[Any]] = []
"""The work of this process; set once by `_prepare`."""


def _prepare(work: Work[Any]) -> None:
    _WORK[:] = [work]


def _run(piece: str) -> tuple[str, Any]:
    return piece, compute(_WORK[0], piece)
