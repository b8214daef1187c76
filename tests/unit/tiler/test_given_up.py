"""A slide whose planning was given up: a person alone starts it again, and another version is planned."""

import pytest
from medulla.v1.events_pb2 import SlideRejected

from shared.bus.s3_events import ObjectHint
from shared.errors import CrashedWorkerError, GivenUpError, InternalError
from tests.support.slides import cc0_bytes
from tests.support.tiling import Tiling

KEY = "slides/case-1/slide-1.svs"


@pytest.mark.parametrize("given_up", [InternalError("the decoder failed"), CrashedWorkerError("the decoder died")])
def test_a_version_that_was_given_up_is_started_again_by_a_person_alone(given_up: GivenUpError, tiler: Tiling) -> None:
    tiler.land(KEY, cc0_bytes())
    assert tiler.unplanned == [KEY]
    refusal = tiler.on_landing.rejected(ObjectHint(KEY, "medulla"), given_up)
    assert refusal is not None
    assert tiler.unplanned == [KEY]
    tiler.on_landing.reported(refusal)
    assert not tiler.unplanned
    (repeated,) = tiler.on_landing(ObjectHint(KEY, "medulla"))
    assert isinstance(repeated, SlideRejected)
    assert (repeated.reason, repeated.sentence, repeated.advice) == (given_up.reason, str(given_up), given_up.advice)
    assert not tiler.on_landing.may_crash(ObjectHint(KEY, "medulla"))
    assert tiler.on_landing.may_crash(ObjectHint(KEY, "medulla", replayed=True))

    (replayed,) = tiler.on_landing(ObjectHint(KEY, "medulla", replayed=True))
    assert tiler.hint(KEY) == [replayed]


def test_a_plan_that_a_replay_got_stays_when_the_refusal_before_is_remembered(tiler: Tiling) -> None:
    tiler.land(KEY, cc0_bytes())
    refusal = tiler.on_landing.rejected(ObjectHint(KEY, "medulla"), CrashedWorkerError("the decoder died"))
    assert refusal is not None
    (unreported,) = tiler.on_landing.unreported.values()
    (replayed,) = tiler.on_landing(ObjectHint(KEY, "medulla", replayed=True))
    tiler.on_landing.landings.remember(unreported.slide, unreported.override, refusal)
    assert tiler.hint(KEY) == [replayed]


def test_the_last_of_two_refusals_is_remembered(tiler: Tiling) -> None:
    tiler.land(KEY, cc0_bytes())
    for error in (InternalError("the decoder failed"), CrashedWorkerError("the decoder died")):
        refusal = tiler.on_landing.rejected(ObjectHint(KEY, "medulla"), error)
        assert refusal is not None
        tiler.on_landing.reported(refusal)
    (repeated,) = tiler.on_landing(ObjectHint(KEY, "medulla"))
    assert isinstance(repeated, SlideRejected)
    assert repeated.reason == CrashedWorkerError.reason


def test_another_version_of_a_slide_that_was_given_up_is_planned(tiler: Tiling) -> None:
    tiler.land(KEY, b"crashing")
    tiler.on_landing.rejected(ObjectHint(KEY, "medulla"), CrashedWorkerError("the decoder died"))
    assert tiler.plan(KEY, cc0_bytes()).ledger.ok == 38
