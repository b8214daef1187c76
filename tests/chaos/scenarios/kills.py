"""The embedder is killed in the middle of slides of many chunks: each kill costs one chunk at most."""

import random

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
    rng, repeats = random.Random(seed), Repeats.since_now(system)  # noqa: S311 - moments that can be repeated
    landed = [Landed(f"CHAOS-kills-{number}", NO_MODEL) for number in range(size.slides_killed_in)]
    left = [slide for slide in landed if not _is_scored_despite_kills(system, slide, size, rng)]
    kills = _KILLS * len(landed)
    repeated, needed = (0, 0) if left else repeats.count(landed, starts=kills)
    chunks = f"{repeated / _CHUNK / kills:.2f} chunks a kill"
    figure = f"{chunks}: {repeated} of {needed} tiles again in {kills} kills; {len(left)} slides not scored"
    return [Row("A kill repeats at most one chunk", figure, not left and repeated <= kills * _CHUNK, seed, size.name)]


def _is_scored_despite_kills(system: System, slide: Landed, size: Size, rng: random.Random) -> bool:
    land_larger(system, [slide], size.copies_killed_in)
    for _ in range(_KILLS):
        _await_tiles(system, tiles_embedded(system.parts.triton) + rng.randrange(1, _CHUNK))
        system.services[SERVICE].kill()
        system.services[SERVICE].start()
    return not settle([slide], system.case, _PATIENCE_S)


def _await_tiles(system: System, wanted: int) -> None:
    wait_for(lambda: tiles_embedded(system.parts.triton) >= wanted, _PATIENCE_S)
