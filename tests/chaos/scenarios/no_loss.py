"""Uploads while services, the broker and the database are killed and the bucket is silent: none may be lost."""

import math
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from threading import Event

from shared import keys
from shared.bus import topics
from tests.chaos.faults import Inflictor, schedule, silent_bucket, under_faults
from tests.chaos.history import Landed, differing, settle, verdict_on
from tests.chaos.landing import RECORD_ONLY, SLIDE_ONLY, land, land_slide_of
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.support.system import System

SWEEP_S = 30.0
"""Period of the sweeps in these runs."""
_SWEEPS = 2
_OF_THE_STORE = b"responseElements"
"""What MinIO's own announcements have, and those of sweeps have not."""
_MISSED = 4
"""Records, and slides, whose events are lost."""
_SECONDS_PER_UPLOAD = 1.2
_PATIENCE_S = 3600.0


def run(system: System, seed: int, size: Size) -> list[Row]:
    """No loss, one current score, equal bytes, and missed events closed within two sweeps."""
    landed, faults = _storm(system, seed, size)
    settle(landed, system.case, _PATIENCE_S)
    verdict = verdict_on(landed, system.case, system.scores)
    unequal, groups = differing(landed, lambda case_id: system.score_bytes(system.case(case_id)))
    ends = f"{len(verdict.scored)} scored, {len(verdict.refused)} refused, {len(verdict.lost)} lost"
    single = len(verdict.scored) - len(verdict.ambiguous)
    return [
        Row.of_counts(
            "No upload is lost under kills, a silent bucket and a restarted database",
            verdict.ended,
            len(landed),
            f"{ends}; {_described(faults)}",
            seed=seed,
            size=size.name,
        ),
        Row.of_counts(
            "Every scored case has one current score", single, len(verdict.scored), "", seed=seed, size=size.name
        ),
        Row.of_counts(
            "Cases with equal inputs have scores equal to the byte",
            groups - len(unequal),
            groups,
            "groups of cases with equal inputs",
            seed=seed,
            size=size.name,
        ),
        *_missed_events(system, seed, size.name),
    ]


def _described(faults: Inflictor) -> str:
    """What was inflicted, how densely, and what could not be started again."""
    each = ", ".join(f"{times} of {target}" for target, times in sorted(faults.inflicted.items()))
    pauses = [later - earlier for earlier, later in pairwise(faults.killed_at)]
    density = f"; a service every {statistics.median(pauses):.0f} s (median)" if pauses else ""
    return f"faults: {each}{density}" + "".join(f"; not mended: {failure}" for failure in faults.failures)


def _storm(system: System, seed: int, size: Size) -> tuple[Sequence[Landed], Inflictor]:
    """Land the cases spread evenly over the faults, however long each fault takes to mend."""
    plan, landed = schedule(seed, size.uploads * _SECONDS_PER_UPLOAD, size), list[Landed]()
    with under_faults(system, plan, size) as faults:
        for number, item in enumerate(land(system, "CHAOS-loss", size.uploads, seed)):
            landed.append(item)
            faults.await_begun(number * len(plan) // size.uploads)
    return landed, faults


def _missed_events(system: System, seed: int, size: str) -> Iterator[Row]:
    """Records, then slides, whose events are lost for good, at drawn moments between two sweeps."""
    rng = random.Random(seed)  # noqa: S311 - moments that can be repeated
    for what, land_one, model in (
        ("record", system.land_record, RECORD_ONLY),
        ("slide", partial(land_slide_of, system), SLIDE_ONLY),
    ):
        landed = [Landed(f"CHAOS-missed-{what}-{number}", model) for number in range(_MISSED)]
        pauses = [rng.uniform(0, SWEEP_S) for _ in landed]
        with silent_bucket(system), ThreadPoolExecutor(_MISSED) as pool:
            sweeps = list(pool.map(partial(_sweeps_to_score, system, land_one), landed, pauses))
        yield _closed(what, sweeps, _announced_by_sweeps_alone(system, landed), seed, size)


def _sweeps_to_score(system: System, land_one: Callable[[str], None], item: Landed, pause_s: float) -> float:
    """Periods of the sweep from a landing, which waits a while, to its score."""
    Event().wait(pause_s)
    start = time.monotonic()
    land_one(item.case_id)
    left = settle([item], system.case, 10 * SWEEP_S)
    return math.inf if left else (time.monotonic() - start) / SWEEP_S


def _announced_by_sweeps_alone(system: System, landed: Sequence[Landed]) -> int:
    """How many of the cases no event of the store's own tells of, but one of ours, so that their events were missed."""
    by_store: dict[str, set[bool]] = defaultdict(set)
    for delivery in system.read(topics.S3_EVENTS):
        case_id = keys.named_in(delivery.record.key.partition("/")[2]).get("case_id", "")
        by_store[case_id].add(_OF_THE_STORE in delivery.record.value)
    return sum(by_store[item.case_id] == {False} for item in landed)


def _closed(what: str, sweeps: Sequence[float], missed: int, seed: int, size: str) -> Row:
    """Holds where sweeps alone announced all of them, and they were scored in time."""
    figure = (
        f"at most {max(sweeps):.1f} sweeps of {SWEEP_S:.0f} s, median {statistics.median(sweeps):.1f}, of "
        f"{len(sweeps)} at drawn moments; {missed} announced by sweeps alone"
    )
    held = max(sweeps) <= _SWEEPS and missed == len(sweeps)
    return Row(f"A missed event of a {what} is closed within two sweeps", figure, held, seed, size)
