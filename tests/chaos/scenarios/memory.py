"""Memory stays bounded: while the encoder's server is away, and while huge and hostile slides pass."""

import statistics
import tempfile
import time
from pathlib import Path
from threading import Event

from tests.bench.big_slide import big_slide
from tests.bench.memory import of_tree
from tests.bench.processes import pid_of
from tests.chaos.history import Landed, has_outcome, settle
from tests.chaos.landing import FUSED
from tests.chaos.poisons import broken_slides
from tests.chaos.replaced import HOSTILE_TILER, replaced
from tests.chaos.resident import GROWTH_MB, Peaks, growth, limits, watched
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.support import slides
from tests.support.polling import wait_for
from tests.support.system import System
from tests.support.tiffs import write_whole_mount

_SLIDES = 6
_EVERY_S = 2.0
_HANGS = "--sleep"
"""In the key of the slide that takes time and no memory."""
_PATIENCE_S = 3600.0


def run(system: System, seed: int, size: Size) -> list[Row]:
    """Memory of the embedder without Triton, what waited for it, and memory while hostile slides pass."""
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
    grown = growth(held)
    promise = f"The embedder grows by at most {GROWTH_MB:.0f} MB while its encoder's server is away"
    figure = f"{grown:+.0f} MB in {size.without_triton_s:.0f} s (median {statistics.median(held):.0f} MB)"
    return [
        Row(promise, figure, grown <= GROWTH_MB, seed, size.name),
        Row.of_counts(
            "Slides that waited for the encoder's server are scored once it is back",
            len(landed) - len(left),
            len(landed),
            "",
            seed=seed,
            size=size.name,
        ),
        _beside_hostile_slides(system, seed, size),
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


def _beside_hostile_slides(system: System, seed: int, size: Size) -> Row:
    """A whole mount, a slide of many bytes and every kind of broken slide at once, until each has an outcome."""
    with replaced(system, ["tiler"], {}, HOSTILE_TILER) as services, watched(services) as peaks:
        cases = [*_land_huge(system, size.huge_mb), *_land_broken(system)]
        wait_for(lambda: not _without_outcome(system, cases), _PATIENCE_S, pause_s=2)
        left = _without_outcome(system, cases)
    promise = "While huge and hostile slides pass, each service stays within the memory that the chart states"
    ended = f"{len(cases) - len(left)} of {len(cases)} slides ended{', not ' if left else ''}{', '.join(left)}"
    figure = f"{_beside_limits(peaks)}; {ended}"
    within = all(peaks.megabytes[name] <= limit for name, limit in limits().items())
    return Row(promise, figure, within and not left, seed, size.name)


def _land_huge(system: System, megabytes: int) -> list[str]:
    """A whole mount of the largest size that is read, nearly empty, and a slide full of tissue."""
    with tempfile.TemporaryDirectory(prefix="medulla-chaos-") as folder:
        mount = write_whole_mount(Path(folder) / "mount.tif", 812_000, 608_000, mpp=0.25, steps=(1, 8, 64))
        full = big_slide(Path(folder) / "full.tif", megabytes)
        for path in (mount, full):
            system.s3.upload_file(str(path), system.bucket, f"slides/CHAOS-{path.stem}/{path.name}")
        return [f"CHAOS-{path.stem}" for path in (mount, full)]


def _land_broken(system: System) -> list[str]:
    """Slides that end as refusals of their cases, those among them that misbehave twice at once."""
    cases = []
    hungry = ((key, data) for key, data in broken_slides().values() if _HANGS not in key)
    for number, (key, data) in enumerate(hungry):
        for copy in range(2 if "--" in key else 1):
            case_id = f"CHAOS-hostile-{number}-{copy}"
            system.land(key.format(case_id), data)
            cases += [case_id] if f"/{case_id}/" in key.format(case_id) else []
    return cases


def _without_outcome(system: System, cases: list[str]) -> list[str]:
    """The cases that have neither a score nor a refusal."""
    return [case_id for case_id in cases if not has_outcome(system.case(case_id))]


def _beside_limits(peaks: Peaks) -> str:
    return ", ".join(f"{name} {peaks.megabytes[name]:.0f} of {limit:.0f} MB" for name, limit in limits().items())
