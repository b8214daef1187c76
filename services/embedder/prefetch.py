"""Fetches the next item while the present one is worked on."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


def prefetch(items: Iterator[T]) -> Generator[T, None, None]:
    """Yield `items` with the next one always under way in another thread, and no more than that one.

    What `items` raises is raised here, in its place. Closing this iterator waits for the item under way.
    """
    context = copy_context()

    def following() -> T | None:
        return context.run(lambda: next(items, None))

    with ThreadPoolExecutor(1, thread_name_prefix="prefetch") as pool:
        upcoming = pool.submit(following)
        while (item := upcoming.result()) is not None:
            upcoming = pool.submit(following)
            yield item
