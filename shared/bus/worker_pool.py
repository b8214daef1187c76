"""Threads for handlers that do not keep the process alive: work cut off at exit is done again after a restart."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import BoundedSemaphore, Thread
from typing import ParamSpec

P = ParamSpec("P")


class WorkerPool:
    """At most `size` calls run at a time, each in a daemon thread of its own."""

    def __init__(self, size: int, name: str) -> None:
        self.size = size
        self._slots = BoundedSemaphore(size)
        self._name = name

    def submit(self, call: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> "Future[None]":
        """Run `call` as soon as there is room; the future holds what it raised."""
        future: Future[None] = Future()

        def work() -> None:
            with self._slots:
                try:
                    call(*args, **kwargs)
                except BaseException as error:  # noqa: BLE001 - the future raises it
                    future.set_exception(error)
                else:
                    future.set_result(None)

        Thread(target=work, name=self._name, daemon=True).start()
        return future
