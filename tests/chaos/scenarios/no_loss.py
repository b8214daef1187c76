"""Uploads while services, the broker and the database are killed and the bucket is silent: none may be lost."""

import time
from collections.abc import Sequence

from tests.chaos.faults import schedule, silent_bucket, under_faults
from tests.chaos.history import Landed, differing, settle, verdict_on
from tests.chaos.landing import RECORD_ONLY, land
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.support.system import System

SWEEP_S = 30.0
"""Period of the sweeps in these runs."""
_SECONDS_PER_UPLOAD = 1.2
_PATIENCE_S = 3600.0


def run(system: System, seed: int, size: Size) -> list[Row]:
    """No loss, one current score, equal bytes, and a missed event closed within two sweeps."""
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
        _missed_event(system, seed, size.name),
    ]


def _storm(system: System, seed: int, size: Size) -> tuple[Sequence[Landed], dict[str, int], list[str]]:
    """Land the cases spread evenly over the faults, however long each fault takes to mend."""
    plan, landed = schedule(seed, size.uploads * _SECONDS_PER_UPLOAD, size), list[Landed]()
    with under_faults(system, plan, size) as faults:
        for number, item in enumerate(land(system, "CHAOS-loss", size.uploads, seed)):
            landed.append(item)
            faults.await_begun(number * len(plan) // size.uploads)
    return landed, dict(faults.inflicted), faults.failures


def _missed_event(system: System, seed: int, size: str) -> Row:
    """A record whose event is lost for good, until it is scored, in sweeps."""
    landed = Landed("CHAOS-missed", RECORD_ONLY)
    with silent_bucket(system):
        system.land_record(landed.case_id)
    start = time.monotonic()
    settle([landed], system.case, 10 * SWEEP_S)
    sweeps = (time.monotonic() - start) / SWEEP_S
    return Row(
        "A missed event is closed within two sweeps", f"{sweeps:.1f} sweeps of {SWEEP_S:.0f} s", sweeps <= 2, seed, size
    )
