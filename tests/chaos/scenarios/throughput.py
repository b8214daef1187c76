"""How fast slides pass, as `make bench` measures it: each figure beside its bound, in one run."""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from tests.bench import fixed_rate, services, triton
from tests.bench import table as bench
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.support.system import System

_HOP_MS = 80.0
_PIPELINE = "From plan to bag the pipeline reaches 90 % of its slower half"
_LARGER = 2
"""Slides of the pipeline are so much larger across: its first chunk has nothing beside it."""


def run(system: System, seed: int, size: Size) -> list[Row]:
    """Ratios of rates, and the hops of a slide of one tile."""
    measured = size.throughput
    larger = replace(measured, pipeline_copies=_LARGER * measured.pipeline_copies)
    with tempfile.TemporaryDirectory(prefix="medulla-chaos-") as name:
        folder, apart = Path(name), Path(name) / "pipeline"
        apart.mkdir()
        through_services = services.large_slide(system, measured, folder).rows
        hops = services.overhead(system, measured, folder).rows
        on_triton = triton.compare(system.parts.triton, measured, folder).rows
        pipeline = fixed_rate.compare(larger, apart).rows
    return [
        _ratio(_PIPELINE, 0.9, pipeline, fixed_rate.EMBEDDING, seed, size.name),
        _ratio("Triton by shared memory reaches 95 % of in process", 0.95, on_triton, triton.SHARED, seed, size.name),
        _ratio(
            "Four services reach 85 % of the in-process pipeline",
            0.85,
            through_services,
            services.THROUGH_SERVICES,
            seed,
            size.name,
        ),
        _hops(hops, seed, size.name),
    ]


def _ratio(promise: str, least: float, rows: Iterable[bench.Row], what: str, seed: int, size: str) -> Row:
    """The median of the ratios of a row of the bench."""
    row = next(row for row in rows if row.what == what)
    ratio = median(bench.ratios(row.ours, row.other))
    figure = f"{ratio:.2%}: {bench.Spread.of(row.ours)} against {bench.Spread.of(row.other)} {row.unit}"
    return Row(promise, figure, ratio >= least, seed, size)


def _hops(rows: Sequence[bench.Row], seed: int, size: str) -> Row:
    """Each hop but the store's own, and the whole way in one process, which tells how busy the machine was."""
    hops = {row.what: median(row.ours) for row in rows if row.what in services.HOPS and row.what != services.ANNOUNCED}
    here = median(next(row.other for row in rows if row.other))
    each = ", ".join(f"{name.removeprefix('hop to ')} {ms:.0f} ms" for name, ms in hops.items())
    slowest = max(hops.values())
    figure = f"{each}; the slowest {slowest / _HOP_MS:.1f} times the bound; the same work in one process {here:.0f} ms"
    promise = f"Each hop of a slide of one tile takes under {_HOP_MS:.0f} ms"
    return Row(promise, figure, slowest < _HOP_MS, seed, size)
