"""Puts the demo slide into the bucket as a case of its own, waits for its score and erases it; run by `helm test`."""

import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import services.standalone
from services.standalone.case_erasure import erase_case
from shared import keys
from shared.blob.s3 import S3Store
from shared.errors import MedullaError, TransientError
from shared.settings import PlatformSettings, load
from shared.units import CaseId

SLIDE = Path(services.standalone.__file__).parent / "demo" / "cmu-1-small-region.svs"
_PAUSE_S = 2.0
T = TypeVar("T")


def main(seconds: float) -> int:
    """Returns 0 when the case has had a score, 1 when it has none in time, 3 when the store or Kafka is down.

    A case without a score stays, for a look.
    """
    case = CaseId(f"helm-test-{uuid.uuid4().hex[:8]}")
    try:
        if not _scored(case, seconds):
            return 1
        print(f"case {case}: {erase_case(case, folder=None)}")
    except MedullaError as error:
        print(error)
        return 3
    return 0


def _scored(case: CaseId, seconds: float) -> bool:
    """Whether a slide put for the case has a score in time.

    Raises:
        MedullaError: the store refuses, or is down until the end.
    """
    started = time.monotonic()
    store = S3Store(load(PlatformSettings).s3)
    _wait(lambda: store.put(f"{keys.SLIDES}{case}/{case}{SLIDE.suffix}", SLIDE.read_bytes()), started + seconds)
    print(f"put a slide as case {case}; waiting {seconds:.0f} s for its score", flush=True)
    score = _wait(lambda: next(iter(store.list(keys.scores(case))), None), started + seconds)
    if score is None:
        print("no score in time. Does the bucket announce slides/ to s3.events? Is a bundle promoted? See RUNBOOK.md")
        return False
    print(f"scored after {time.monotonic() - started:.0f} s: {score.key}", flush=True)
    return True


def _wait(read: Callable[[], T | None], until: float) -> T | None:
    """The first value that is not None; None after `until`.

    The store may be unreachable at first: network policies admit a new pod a moment after its start.
    """
    tick = threading.Event()
    while True:
        late = time.monotonic() > until
        try:
            if (value := read()) is not None or late:
                return value
        except TransientError:
            if late:
                raise
        tick.wait(_PAUSE_S)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
