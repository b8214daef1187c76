"""Puts the demo slide into the bucket as a case of its own and waits for its score; run by `helm test`."""

import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import services.standalone
from shared import keys
from shared.blob.s3 import S3Store
from shared.errors import MedullaError, TransientError
from shared.settings import PlatformSettings, load

SLIDE = Path(services.standalone.__file__).parent / "demo" / "cmu-1-small-region.svs"
_PAUSE_S = 2.0
T = TypeVar("T")


def main(seconds: float) -> int:
    """0 when a score stands, 1 when not in time, 3 when the store is down."""
    case = f"helm-test-{uuid.uuid4().hex[:8]}"
    until = time.monotonic() + seconds
    try:
        store = S3Store(load(PlatformSettings).s3)
        _patiently(lambda: store.put(f"{keys.SLIDES}{case}/{case}{SLIDE.suffix}", SLIDE.read_bytes()), until)
        print(f"put a slide as case {case}; waiting {seconds:.0f} s for its score", flush=True)
        return _wait(store, f"scores/{case}/", until)
    except MedullaError as error:
        print(error)
        return 3


def _wait(store: S3Store, prefix: str, until: float) -> int:
    started = time.monotonic()
    while time.monotonic() < until:
        for found in _patiently(lambda: list(store.list(prefix)), until):
            print(f"scored after {time.monotonic() - started:.0f} s: {found.key}")
            return 0
        time.sleep(_PAUSE_S)
    print("no score in time. Does the bucket announce slides/ to s3.events? Is a bundle promoted? See RUNBOOK.md")
    return 1


def _patiently(ask: Callable[[], T], until: float) -> T:
    """Ask again while the store is away: network policies let a new pod through a moment after its start."""
    while True:
        try:
            return ask()
        except TransientError:
            if time.monotonic() > until:
                raise
            time.sleep(_PAUSE_S)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
