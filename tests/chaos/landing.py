"""Cases that land: whole ones, records alone, and what a lab sends broken, drawn by a seed."""

import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from shared import keys
from shared.bus import topics
from tests.bench import material
from tests.chaos.history import Landed, settle
from tests.support import slides
from tests.support.installation import Installation

RECORD_ONLY = "clinical_molecular"
FUSED = "fused"
SLIDE_ONLY = "pathomics"
NO_MODEL = ""
"""Of the score of a larger slide: repeated pixels are unlike those that the bundle knows."""
_BROKEN = {
    "not_a_slide": b"this is no slide at all",
    "no_resolution": slides.without_mpp(),
    "empty_object": b"",
}
_NEIGHBOURS = 20
_SHARE_BROKEN, _SHARE_RECORD_ONLY, _SHARE_COMMON = 0.05, 0.25, 0.5


def land(system: Installation, prefix: str, count: int, seed: int) -> Iterator[Landed]:
    """Put so many cases into the bucket, one at a time as the caller asks for them; gives each once it lies there.

    One in twenty is broken, one in four a record alone; half of the others share a slide's bytes with their neighbours.
    """
    rng = random.Random(seed)  # noqa: S311 - cases that can be repeated
    for number in range(count):
        yield _land_one(system, f"{prefix}-{number:04d}", f"{prefix} slide {number // _NEIGHBOURS}", rng)


@contextmanager
def landing_beside(system: Installation, prefix: str, seed: int, every_s: float) -> Iterator[Sequence[Landed]]:
    """Land a case every few seconds as long as the block runs; gives those so far, and all of them after the block."""
    landed, over = list[Landed](), Event()

    def land_on() -> None:
        for item in land(system, prefix, sys.maxsize, seed):
            landed.append(item)
            if over.wait(every_s):
                return

    with ThreadPoolExecutor(1, thread_name_prefix="landing") as pool:
        landing = pool.submit(land_on)
        try:
            yield landed
        finally:
            over.set()
        landing.result()


def land_larger(system: Installation, landed: Iterable[Landed], copies: int) -> None:
    """Put a slide of so many copies of the bundled one, across and down, and a record into the bucket for each case."""
    with tempfile.TemporaryDirectory(prefix="medulla-chaos-") as folder:
        path = material.aperio(Path(folder) / "slide.svs", copies)
        for item in landed:
            system.land_slide(item.case_id, path.read_bytes() + item.case_id.encode(), path.name)
            system.land_record(item.case_id)


def seconds_to_score(system: Installation, case_id: str, patience_s: float) -> float:
    """Seconds from a new record's landing to its score as REST shows it; at least `patience_s` where none comes."""
    start = time.monotonic()
    system.land_record(case_id)
    settle([Landed(case_id, RECORD_ONLY)], system.case, patience_s, pause_s=0.05)
    return time.monotonic() - start


def land_slide_of(system: Installation, case_id: str) -> None:
    """Put the bundled slide with bytes of the case's own, so that nothing done for another one serves it."""
    system.land_slide(case_id, slides.cc0_bytes() + case_id.encode())


def announced_at(system: Installation) -> dict[str, float]:
    """When the store first announced an object of each case, Unix seconds."""
    times: dict[str, float] = {}
    for delivery in system.read(topics.S3_EVENTS):
        case_id = keys.named_in(delivery.record.key.partition("/")[2]).get("case_id", "")
        times[case_id] = min(delivery.written_at, times.get(case_id, delivery.written_at))
    return times


def seconds_from_announcement(system: Installation, seen_at: Mapping[str, float]) -> list[float]:
    """Seconds from the announcement of each case to when its score was seen, Unix seconds by case.

    The store's own way to the announcement is left out: it looks for news every 3 s.
    """
    announced = announced_at(system)
    return [at - announced[case_id] for case_id, at in seen_at.items()]


def _land_one(system: Installation, case_id: str, shared_slide: str, rng: random.Random) -> Landed:
    draw = rng.random()
    if draw < _SHARE_BROKEN:
        reason = rng.choice(sorted(_BROKEN))
        system.land_slide(case_id, _BROKEN[reason])
        return Landed(case_id, reason)
    if draw < _SHARE_BROKEN + _SHARE_RECORD_ONLY:
        system.land_record(case_id)
        return Landed(case_id, RECORD_ONLY, "record")
    common = rng.random() < _SHARE_COMMON
    system.land_slide(case_id, slides.cc0_bytes() + (shared_slide if common else case_id).encode())
    system.land_record(case_id)
    return Landed(case_id, FUSED, shared_slide if common else "")
