"""Fetches the next item while the current one is processed."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


def prefetch(items: Iterator[T]) -> Generator[T, None, None]:
    """Yield `items`, fetching exactly one item ahead in another thread.

    Errors of `items` are raised here, in order. Closing this iterator waits for the item under way.
    """
    context = copy_context()

    def following() -> T | None:
        return context.run(lambda: next(items, None))

    with ThreadPoolExecutor(1, thread_name_prefix="prefetch") as pool:
        upcoming = pool.submit(following)
        while (item := upcoming.result()) is not None:
            upcoming = pool.submit(following)
            yield item
