"""Uploads while services, the broker and the database are killed and the bucket is silent: none may be lost."""

import time
from collections.abc import Iterator, Sequence
from functools import partial

from tests.chaos.faults import schedule, silent_bucket, under_faults
from tests.chaos.history import Landed, differing, settle, verdict_on
from tests.chaos.landing import RECORD_ONLY, SLIDE_ONLY, land, land_slide_of
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.support.system import System

SWEEP_S = 30.0
"""Period of the sweeps in these runs."""
_SWEEPS = 2
_SECONDS_PER_UPLOAD = 1.2
_PATIENCE_S = 3600.0


def run(system: System, seed: int, size: Size) -> list[Row]:
    """No loss, one current score, equal bytes, and missed events closed within two sweeps."""
    landed, inflicted, failures = _storm(system, seed, size)
    settle(landed, system.case, _PATIENCE_S)
    verdict = verdict_on(landed, system.case, system.scores)
    unequal, groups = differing(landed, lambda case_id: system.score_bytes(system.case(case_id)))
    faults = ", ".join(f"{times} of {target}" for target, times in sorted(inflicted.items()))
    more = f"{len(verdict.scored)} scored, {len(verdict.refused)} refused, {len(verdict.lost)} lost; faults: {faults}"
    more += "".join(f"; not mended: {failure}" for failure in failures)
    single = len(verdict.scored) - len(verdict.ambiguous)
    return [
        Row.of_counts(
            "No upload is lost under kills, a silent bucket and a restarted database",
            verdict.ended,
            len(landed),
            more,
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


def _storm(system: System, seed: int, size: Size) -> tuple[Sequence[Landed], dict[str, int], list[str]]:
    """Land the cases spread evenly over the faults, however long each fault takes to mend."""
    plan, landed = schedule(seed, size.uploads * _SECONDS_PER_UPLOAD, size), list[Landed]()
    with under_faults(system, plan, size) as faults:
        for number, item in enumerate(land(system, "CHAOS-loss", size.uploads, seed)):
            landed.append(item)
            faults.await_begun(number * len(plan) // size.uploads)
    return landed, dict(faults.inflicted), faults.failures


def _missed_events(system: System, seed: int, size: str) -> Iterator[Row]:
    """A record, then a slide, whose event is lost for good: sweeps from landing to score."""
    for what, land_one, model in (
        ("record", system.land_record, RECORD_ONLY),
        ("slide", partial(land_slide_of, system), SLIDE_ONLY),
    ):
        landed = Landed(f"CHAOS-missed-{what}", model)
        start = time.monotonic()
        with silent_bucket(system):
            land_one(landed.case_id)
        left = settle([landed], system.case, 10 * SWEEP_S)
        sweeps = (time.monotonic() - start) / SWEEP_S
        figure = "not scored" if left else f"{sweeps:.1f} sweeps of {SWEEP_S:.0f} s"
        yield Row(f"A missed event of a {what} is closed within two sweeps", figure, sweeps <= _SWEEPS, seed, size)
