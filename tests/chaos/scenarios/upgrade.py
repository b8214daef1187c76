"""Every service is replaced in turn while cases land, as an upgrade does it: nothing is lost or scored twice."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

from tests.chaos.history import Landed, settle, verdict_on
from tests.chaos.landing import land
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.support.system import System

_EVERY_S = 1.0
"""Between two cases."""
_PATIENCE_S = 3600.0


def run(system: System, seed: int, size: Size) -> list[Row]:
    """Land cases until the last service has been replaced."""
    with ThreadPoolExecutor(1) as pool:
        upgrade = pool.submit(_replace_each, system)
        landed = list(_while_running(upgrade, land(system, "CHAOS-upgrade", size.uploads, seed)))
        upgrade.result()
    settle(landed, system.case, _PATIENCE_S)
    verdict = verdict_on(landed, system.case, system.scores)
    letters = int(system.get("/api/v1/dead-letters")["total"]) - len(verdict.refused)
    more = f"{len(verdict.refused)} of them refused; {letters} dead letters beside those"
    return [
        Row.of_counts(
            "An upgrade under load, one service after the other, loses and doubles nothing",
            verdict.ended - len(verdict.ambiguous) if letters == 0 else 0,
            len(landed),
            more,
            seed=seed,
            size=size.name,
        )
    ]


def _replace_each(system: System) -> None:
    """End each service in order and start it again."""
    for service in system.services.values():
        service.stop()
        service.start()


def _while_running(upgrade: Future[None], landing: Iterator[Landed]) -> Iterator[Landed]:
    for landed in landing:
        yield landed
        if upgrade.done():
            return
        Event().wait(_EVERY_S)
