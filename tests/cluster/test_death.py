"""Whatever pod dies while slides are in flight, every slide is scored once, and its score is the same."""

from collections.abc import Callable

import pytest

from tests.support.cluster.kubernetes import until
from tests.support.cluster.observer import Observer
from tests.support.cluster.release import SERVICES
from tests.support.cluster.site import Site, say

_SLIDES = 20
_OUTSIDE = ("dev-kafka", "dev-s3", "dev-postgres")
_AT_ONCE = ("--grace-period", "0", "--force")
_IN_A_SECOND = ("--grace-period", "1")
"""For who keeps data: forced, a successor could open the volume while the dying one still writes to it."""


@pytest.mark.parametrize("component", [*SERVICES, *_OUTSIDE])
def test_twenty_slides_in_flight_survive_the_death_of(
    component: str, site: Site, observer: Observer, as_in_calm: Callable[[list[str]], None]
) -> None:
    cases = observer.land(f"death-of-{component}", range(_SLIDES))
    until("the first score", lambda: "" if observer.scored(cases) else "none yet", 120, 0.2)
    done = observer.scored(cases)
    release = site.medulla if component in SERVICES else site.outside
    pod = release.pod(component)
    site.namespace.kubectl("delete", "pod", pod, *(_AT_ONCE if component in SERVICES else _IN_A_SECOND))
    assert done < _SLIDES, "nothing was in flight any more"
    say(f"killed {pod} with {done} of {_SLIDES} scored")
    waited = observer.wait_scored(cases)
    say(f"all scored, the last after {max(waited.values()):.0f} s")
    as_in_calm(cases)


def test_nothing_was_given_up(observer: Observer) -> None:
    assert observer.dead_letters() == []
