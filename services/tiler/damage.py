"""Counts planned tiles that do not decode; each stored tile is decoded once, by the same code as in the stream."""

from concurrent.futures import ThreadPoolExecutor
from os import cpu_count

from services.tiler.planner import TilePlan
from services.tiler.ports import SlideReader
from shared.progress import Advance

_BATCH = 2000


def count_corrupt(reader: SlideReader, plan: TilePlan, advance: Advance) -> int:
    """How many tiles of a plan are corrupt; `advance` is called with (tiles looked at, all tiles)."""
    total, corrupt = len(plan.coords), 0

    def damaged(start: int) -> int:
        return int(reader.find_damaged(plan.coords[start : start + _BATCH], plan.grid.cut).sum())

    with ThreadPoolExecutor(cpu_count()) as pool:
        for batch, count in enumerate(pool.map(damaged, range(0, total, _BATCH)), 1):
            corrupt += count
            advance(min(batch * _BATCH, total), total)
    return corrupt
