"""Refusals that are remembered, so that no sweep announces the version again, and slides planned meanwhile."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from services.tiler.errors import (
    NoResolutionError,
    OutOfDiskError,
    SlideBeyondBoundsError,
    SlideError,
    SlideTooLargeError,
)
from services.tiler.named_locks import NamedLocks
from services.tiler.on_landing import OnLanding
from shared.bus.s3_events import ObjectHint
from tests.support.slides import cc0_bytes
from tests.support.tiling import Tiling

KEY, OTHER = "slides/case-1/A.svs", "slides/case-1/B.svs"


def refusing(tiler: Tiling, error: SlideError, meanwhile: Callable[[], object] = lambda: None) -> OnLanding:
    """A tiler that refuses every slide, once `meanwhile` happened."""

    def refuse(*_: Any) -> Any:
        meanwhile()
        raise error

    return replace(tiler.on_landing, plan_tiles=replace(tiler.on_landing.plan_tiles, open_slide=refuse))


def refused(on_landing: OnLanding, key: str, error: SlideError) -> Callable[[], None]:
    """Refuse a slide; what is called once the bus has its dead letter."""
    with pytest.raises(type(error)):
        on_landing(ObjectHint(key, "medulla"))
    refusal = on_landing.rejected(ObjectHint(key, "medulla"), error)
    assert refusal is not None
    return lambda: on_landing.reported(refusal)


@pytest.mark.parametrize(
    ("error", "announced"),
    [
        (NoResolutionError("it states none"), []),
        (SlideBeyondBoundsError("it claims too much"), []),
        (SlideTooLargeError("scratch is smaller"), [KEY]),
        (OutOfDiskError("no room on disk"), [KEY]),
    ],
)
def test_what_holds_on_every_machine_is_remembered_and_announced_no_more(
    error: SlideError, announced: list[str], tiler: Tiling
) -> None:
    tiler.land(KEY, cc0_bytes())
    refused(refusing(tiler, error), KEY, error)()
    assert tiler.unplanned == announced


def test_a_refusal_whose_letter_comes_late_is_remembered_although_another_came_in_between(tiler: Tiling) -> None:
    error = NoResolutionError("it states none")
    for key in (KEY, OTHER):
        tiler.land(key, cc0_bytes())
    on_landing = refusing(tiler, error)
    first = refused(on_landing, KEY, error)
    for at, unreported in on_landing.unreported.items():
        on_landing.unreported[at] = replace(unreported, since=unreported.since - 3600)
    second = refused(on_landing, OTHER, error)
    first()
    second()
    assert tiler.unplanned == []


def test_a_slide_that_another_replica_planned_meanwhile_is_planned(tiler: Tiling) -> None:
    tiler.land(KEY, cc0_bytes())
    replica = replace(tiler.on_landing, locks=NamedLocks(), refused=set(), unreported={})
    planned: list[Any] = []
    on_landing = refusing(
        tiler, OutOfDiskError("no room on disk"), lambda: planned.extend(replica(ObjectHint(KEY, "medulla")))
    )
    assert list(on_landing(ObjectHint(KEY, "medulla"))) == planned
    assert [event.plan.tiles for event in planned] == [38]
