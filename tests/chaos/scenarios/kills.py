"""The embedder is killed in the middle of slides of many chunks: each kill costs one chunk at most."""

import random
from collections.abc import Sequence

from services.embedder.events import SERVICE
from services.tiler.planner import PlanSpec
from shared.bus.retry import GIVE_UP_AFTER
from tests.chaos.encoded import Repeats, tiles_embedded
from tests.chaos.history import Landed, settle
from tests.chaos.landing import NO_MODEL, land_larger
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.support.polling import wait_for
from tests.support.system import System

_CHUNK = PlanSpec().tiles_per_chunk
_KILLS = GIVE_UP_AFTER - 1
"""Of one slide: one more, and it is given up."""
_PATIENCE_S = 900.0


def run(system: System, seed: int, size: Size) -> list[Row]:
    """Kill at drawn numbers of tiles; count those that were embedded again."""
    rng = random.Random(seed)  # noqa: S311 - moments that can be repeated
    slides = [Landed(f"CHAOS-kills-{number}", NO_MODEL) for number in range(size.slides_killed_in)]
    return [row([_counted(system, slide, size, rng) for slide in slides], seed, size.name)]


def row(counted: Sequence[tuple[int, int] | None], seed: int, size: str) -> Row:
    """Of the repeated and needed tiles of each slide, None for one that was not scored.

    The promise is held to for each slide: a mean of all would let one kill repeat what others did not.
    """
    scored = [each for each in counted if each]
    kills, repeated = _KILLS * len(scored), [again for again, _ in scored]
    chunks = f"{sum(repeated) / _CHUNK / max(1, kills):.2f} chunks a kill"
    most = f"at most {max(repeated, default=0) / _CHUNK:.2f} in a slide of {_KILLS}"
    tiles = f"{sum(repeated)} of {sum(needed for _, needed in scored)} tiles again in {kills} kills"
    figure = f"{chunks}, {most}: {tiles}; {len(counted) - len(scored)} slides not scored"
    holds = len(scored) == len(counted) > 0 and max(repeated) <= _KILLS * _CHUNK
    return Row("A kill repeats at most one chunk", figure, holds, seed, size)


def _counted(system: System, slide: Landed, size: Size, rng: random.Random) -> tuple[int, int] | None:
    """Kill in the middle of a slide; tiles that were embedded again, and all that it needs, unless it is not scored."""
    repeats = Repeats.since_now(system)
    land_larger(system, [slide], size.copies_killed_in)
    for _ in range(_KILLS):
        _await_tiles(system, tiles_embedded(system.parts.triton) + rng.randrange(1, _CHUNK))
        system.services[SERVICE].kill()
        system.services[SERVICE].start()
    return None if settle([slide], system.case, _PATIENCE_S) else repeats.count([slide], starts=_KILLS)


def _await_tiles(system: System, wanted: int) -> None:
    wait_for(lambda: tiles_embedded(system.parts.triton) >= wanted, _PATIENCE_S)
