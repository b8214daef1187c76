"""Live cases of a promotion count only while cases wait to be scored again, and too few of them show nothing."""

from dataclasses import replace
from typing import Any, cast

import pytest

from tests.chaos.history import Landed
from tests.chaos.landing import RECORD_ONLY
from tests.chaos.scenarios import promotion
from tests.chaos.size import GLANCE
from tests.support.system import System


class _Rescoring:
    """Scores live cases at once, and a kept one by the new bundle after each that landed."""

    def __init__(self) -> None:
        self.landed: list[str] = []

    def land_record(self, case_id: str) -> None:
        self.landed.append(case_id)

    def case(self, case_id: str) -> dict[str, Any]:
        kept = case_id.startswith("kept-")
        is_new = kept and int(case_id.removeprefix("kept-")) < len(self.landed)
        bundle = promotion._NAME if is_new else "first"
        return {"score": {"model": RECORD_ONLY, "provenance": {"bundle_name": bundle}}}


@pytest.mark.parametrize(("kept", "counted"), [(0, 0), (4, 0), (5, 4), (9, 8)])
def test_a_live_case_counts_if_others_wait_once_it_is_scored(kept: int, counted: int) -> None:
    system = _Rescoring()
    landed = [Landed(f"kept-{number}", RECORD_ONLY) for number in range(kept)]
    seen = promotion._seen_meanwhile(cast("System", system), landed)
    assert set(seen) == set(system.landed[:counted])
    assert len(set(system.landed)) == len(system.landed)


@pytest.mark.parametrize(("live", "held"), [([1.9] * 4, True), ([2.1] * 4, False), ([0.5] * 3, False), ([], False)])
def test_live_cases_are_enough_and_at_most_twice_as_slow(live: list[float], held: bool) -> None:
    row = promotion._slowed([1.0] * 4, live, 1, replace(GLANCE, live_cases=4))
    assert row.held == held
