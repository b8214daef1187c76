"""Slides that keep coming while something happens to a site."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.cluster.observer import Observer

_KINDS = 20
"""Slides of this many different pixels, so that each score can be compared with what it should be."""


class Load:
    """Cases landed so far; the pixels of case `run-07` are those of slide 7."""

    def __init__(self, observer: Observer, run: str, every_s: float) -> None:
        self.cases: list[str] = []
        self.error: BaseException | None = None
        self._observer, self._run, self._every_s = observer, run, every_s

    def go(self, stop: threading.Event) -> None:
        """Land a slide now and then until told to stop."""
        number = 0
        while not stop.wait(self._every_s):
            try:
                self.cases += self._observer.land(f"{self._run}-{number // _KINDS}", [number % _KINDS])
            except BaseException as error:  # noqa: BLE001 - shown by the test that waits for these slides
                self.error = error
                return
            number += 1


@contextmanager
def load(observer: Observer, run: str, every_s: float = 1.0) -> Iterator[Load]:
    """Slides come while the body runs; afterwards all of them have to be scored."""
    coming, stop = Load(observer, run, every_s), threading.Event()
    thread = threading.Thread(target=coming.go, args=(stop,), daemon=True)
    thread.start()
    try:
        yield coming
    finally:
        stop.set()
        thread.join()
    if coming.error is not None:
        raise coming.error
    assert coming.cases, "no slide came"
