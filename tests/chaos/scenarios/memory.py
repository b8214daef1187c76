"""The encoder's server is away while slides wait: the embedder's memory may not grow with its attempts."""

import statistics
import time
from threading import Event

from tests.bench.memory import of_tree
from tests.bench.processes import pid_of
from tests.chaos.history import Landed, settle
from tests.chaos.landing import FUSED
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.support import slides
from tests.support.system import System

_SLIDES = 6
_EVERY_S = 2.0
_BOUND_MB = 60.0
"""Growth between the second fifth and the last fifth of that time."""
_PATIENCE_S = 1800.0


def run(system: System, seed: int, size: Size) -> list[Row]:
    """Memory of the embedder without Triton, and that the slides are scored once it is back."""
    landed = [Landed(f"CHAOS-waits-{number}", FUSED) for number in range(_SLIDES)]
    system.parts.triton.stop()
    try:
        for item in landed:
            system.land_slide(item.case_id, slides.cc0_bytes() + item.case_id.encode())
            system.land_record(item.case_id)
        held = _held(system, size.without_triton_s)
    finally:
        system.parts.triton.start()
    left = settle(landed, system.case, _PATIENCE_S)
    fifth = max(1, len(held) // 5)
    growth = statistics.median(held[-fifth:]) - statistics.median(held[fifth : 2 * fifth])
    promise = f"The embedder grows by at most {_BOUND_MB:.0f} MB while its encoder's server is away"
    figure = f"{growth:+.0f} MB in {size.without_triton_s:.0f} s (median {statistics.median(held):.0f} MB)"
    return [
        Row(promise, figure, growth <= _BOUND_MB, seed, size.name),
        Row.of_counts(
            "Slides that waited for the encoder's server are scored once it is back",
            len(landed) - len(left),
            len(landed),
            "",
            seed=seed,
            size=size.name,
        ),
    ]


def _held(system: System, seconds: float) -> list[float]:
    """Megabytes of the embedder and its children, every few seconds."""
    held: list[float] = []
    end = time.monotonic() + seconds
    program = system.services["embedder"].program
    while time.monotonic() < end or not held:
        held.append(of_tree(pid_of(program)).now)
        Event().wait(_EVERY_S)
    return held
