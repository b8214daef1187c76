"""Runs pieces of work on a Dask cluster that is there already: results as they come, and nothing left of it after."""

import logging
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any, TypeVar

from services.trainer.errors import ClusterDownError, ClusterUnfitError
from shared.program import library_version, optional_version, program_version

if TYPE_CHECKING:
    from distributed import Client, Future

P = TypeVar("P")
R = TypeVar("R")
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "lightgbm")
_FOR_NETWORKS = "torch"
_ROUNDS = 3
"""How often pieces are sent at most, where workers end with what was sent to them."""
_PATIENCE_S = 30
"""For an answer of the scheduler, and for its first worker."""


def on_cluster(address: str, work: Callable[[P, Any], R], pieces: Sequence[P], given: object) -> Iterator[R]:
    """Results of `work(piece, given)` as they come; a piece of a worker that ends goes to another one.

    Whoever stops asking, by Ctrl-C or an error, cancels what is not begun.

    Raises:
        ClusterDownError: the scheduler does not answer or ends, has no worker, or loses too many.
        ClusterUnfitError: a worker has other versions, so that its figures may differ.
        MedullaError: a piece's own error.
    """
    with _client(address) as client:
        from distributed.comm.core import CommClosedError  # noqa: PLC0415 - as in `_client`

        try:
            _wait_for_worker(client, address)
            _check_versions(client)
            yield from _results(client, address, work, pieces, given)
        except (CancelledError, CommClosedError) as error:
            raise ClusterDownError(
                f"the cluster at {address} lost its scheduler, or its last worker, before the work ended"
            ) from error


def _client(address: str) -> "Client":
    from distributed import Client  # noqa: PLC0415 - it takes a second, which only --cluster needs

    for logger in ("distributed", "distributed.client"):  # an error of ours says it in a sentence
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    try:
        return Client(address, timeout=_PATIENCE_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterDownError(f"no Dask scheduler answers at {address}") from error


def _wait_for_worker(client: "Client", address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=_PATIENCE_S)
    except (OSError, TimeoutError) as error:
        raise ClusterDownError(f"the scheduler at {address} has no worker") from error


def _check_versions(client: "Client") -> None:
    ours = _versions()
    try:
        theirs: dict[str, dict[str, str]] = client.run(_versions)
    except ModuleNotFoundError as error:
        raise ClusterUnfitError(f"a worker of the cluster lacks {error.name}") from error
    for worker, versions in theirs.items():
        for name in differing(ours, versions):
            raise ClusterUnfitError(f"worker {worker} has {name} {versions.get(name)}, and this machine {ours[name]}")


def differing(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    """Names of what differs, in our order; torch only where both sides have it."""
    compared = [name for name in ours if name != _FOR_NETWORKS or name in theirs]
    return [name for name in compared if theirs.get(name) != ours[name]]


def _versions() -> dict[str, str]:
    """Of all that figures depend on."""
    libraries = {name: library_version(name) for name in _LIBRARIES}
    if networks := optional_version(_FOR_NETWORKS):
        libraries[_FOR_NETWORKS] = networks
    return {"Python": platform.python_version(), "Medulla": program_version(), **libraries}


def _results(
    client: "Client", address: str, work: Callable[[P, Any], R], pieces: Sequence[P], given: object
) -> Iterator[R]:
    """Results as they come; pieces whose `given` was lost with the worker that held it are sent again."""
    left = list(pieces)
    for last in (*[False] * (_ROUNDS - 1), True):
        try:
            for piece, result in _round(client, address, work, tuple(left), given):
                left.remove(piece)
                yield result
        except CancelledError:
            if last or client.status != "running" or not client.nthreads():
                raise
        else:
            return


def _round(
    client: "Client", address: str, work: Callable[[P, Any], R], pieces: Sequence[P], given: object
) -> Iterator[tuple[P, R]]:
    from distributed.scheduler import KilledWorker  # noqa: PLC0415 - as above

    shared = client.scatter(given, broadcast=True, hash=False)
    futures = {client.submit(work, piece, shared, pure=False, retries=0): piece for piece in pieces}
    try:
        for future in _finished(client, address, list(futures)):
            yield futures[future], future.result()
    except KilledWorker as error:
        raise ClusterDownError("workers of the cluster ended at work, again and again, perhaps for memory") from error
    finally:
        with suppress(OSError, TimeoutError, CancelledError):
            client.cancel(list(futures), force=True)


def _finished(client: "Client", address: str, futures: Sequence["Future[Any]"]) -> Iterator["Future[Any]"]:
    """Futures as they are finished; nobody waits for a cluster whose last worker has ended."""
    finished: Queue[Future[Any]] = Queue()
    for future in futures:
        future.add_done_callback(finished.put)
    for _ in futures:
        yield _next(client, address, finished)


def _next(client: "Client", address: str, finished: "Queue[Future[Any]]") -> "Future[Any]":
    while True:
        try:
            return finished.get(timeout=_PATIENCE_S)
        except Empty:
            _wait_for_worker(client, address)
