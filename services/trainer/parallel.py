"""Runs pieces of work in processes; a stop ends them at once, and so does the end of the one that started them."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

P = TypeVar("P")
R = TypeVar("R")


def parallel(
    work: Callable[[P], R], pieces: Sequence[P], workers: int, prepare: Callable[..., None] | None = None, *given: Any
) -> Iterator[R]:
    """Results of `work` as they come; `prepare(*given)`, where there is one, is called first in each process.

    A process that dies is an error (BrokenProcessPool), and whoever stops asking, by Ctrl-C or an error, ends them all.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(pieces)), context, _prepare, (prepare, given)) as pool:
        try:
            for future in as_completed([pool.submit(work, piece) for piece in pieces]):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _prepare(prepare: Callable[..., None] | None, given: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal; the first one ends us
    threading.Thread(target=_end_with_the_first, daemon=True).start()
    if prepare is not None:
        prepare(*given)


def _end_with_the_first() -> None:
    """A parent that was killed cannot end its children, which would wait for work forever."""
    first = multiprocessing.parent_process()
    if first is not None:
        first.join()
        os._exit(1)
