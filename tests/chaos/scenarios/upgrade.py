"""Every service is replaced in turn while cases land, for an upgrade and for the way back: nothing is lost."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.history import Landed, settle, verdict_on
from tests.chaos.landing import landing_beside
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.support.system import System

_EVERY_S = 1.0
"""Between two cases."""
_BACK_S = 60.0
_PATIENCE_S = 3600.0


@dataclass(frozen=True, slots=True)
class _Rollout:
    """Cases that landed while every service was replaced, and how long that took."""

    landed: Sequence[Landed]
    seconds: float


def run(system: System, seed: int, size: Size) -> list[Row]:
    """Land cases until the last service has been replaced, twice."""
    there, back = (_rollout(system, prefix, seed) for prefix in ("CHAOS-upgrade", "CHAOS-rollback"))
    settle([*there.landed, *back.landed], system.case, _PATIENCE_S)
    verdicts = [verdict_on(rollout.landed, system.case, system.scores) for rollout in (there, back)]
    good_there, good_back = (verdict.unambiguous for verdict in verdicts)
    more_there, more_back = (f"{len(verdict.refused)} of them refused" for verdict in verdicts)
    letters = int(system.get("/api/v1/dead-letters")["total"]) - sum(len(verdict.refused) for verdict in verdicts)
    held = good_back == len(back.landed) > 0 and letters == 0 and back.seconds <= _BACK_S
    figure = f"{back.seconds:.0f} s; {good_back} of {len(back.landed)} cases; {more_back}"
    return [
        Row.of_counts(
            "An upgrade under load, one service after the other, loses and doubles nothing",
            good_there if letters == 0 else 0,
            len(there.landed),
            f"{more_there}; {letters} dead letters beside the refusals; {there.seconds:.0f} s",
            seed=seed,
            size=size.name,
        ),
        Row(
            f"Going back under load, all services run again within {_BACK_S:.0f} s, and nothing is lost or doubled",
            figure,
            held,
            seed,
            size.name,
        ),
    ]


def _rollout(system: System, prefix: str, seed: int) -> _Rollout:
    with landing_beside(system, prefix, seed, _EVERY_S) as landed:
        seconds = _replace_each(system)
    return _Rollout(landed, seconds)


def _replace_each(system: System) -> float:
    """End each service in order and start it again; seconds until the last one is ready."""
    start = time.monotonic()
    for service in system.services.values():
        service.stop()
        service.start()
    return time.monotonic() - start
