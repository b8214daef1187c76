"""The scenarios of `make chaos` on a site, by their names and with smaller counts (tests/chaos/README.md)."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import median

import pytest

from tests.chaos.history import Landed, differing, has_outcome, settle, still_open, verdict_on
from tests.chaos.landing import RECORD_ONLY, SLIDE_ONLY, land, land_slide_of
from tests.chaos.places import places
from tests.chaos.planted import PLANTED
from tests.chaos.poisons import ended_once, one_of_each
from tests.chaos.resident import GROWTH_MB, growth
from tests.chaos.row import Row
from tests.chaos.scenarios import canary, last_version, replay
from tests.chaos.size import GLANCE
from tests.support.cluster import memory
from tests.support.cluster.broker import members
from tests.support.cluster.deployed import Deployed
from tests.support.cluster.hostile import hostile_tiler
from tests.support.cluster.kubernetes import until
from tests.support.cluster.observer import Observer
from tests.support.cluster.release import SERVICES
from tests.support.cluster.site import Site, say
from tests.support.cluster.slides import slow
from tests.support.cluster.sweeping import silent_bucket, sweep
from tests.support.cluster.triton import triton_away
from tests.support.polling import wait_for

_SEED = 1
_SIZE = replace(GLANCE, name="cluster", uploads=24, overwritten=5)
_EVERY = 4
"""Cases that land between two deaths of a pod."""
_OUTSIDE = ("dev-kafka", "dev-s3", "dev-postgres")
_POLL_MS = 10_000
"""Kafka's max.poll.interval, the shortest that is allowed; planning the slow slide takes minutes."""
_LOOKS = 20
"""At the embedder's memory, one each 5 s, while Triton is away."""
_POLLS = 3
_PATIENCE_S = 600.0


@pytest.fixture
def deployed(site: Site, observer: Observer) -> Deployed:
    """The site, every pod ready."""
    site.medulla.wait_ready()
    return Deployed(observer)


def _assert_held(rows: list[Row]) -> None:
    """Every promise held; the figures are printed."""
    figures = {f"{row.promise}: {row.figure}": row.held for row in rows}
    say("\n".join(figures))
    assert [figure for figure, held in figures.items() if not held] == []


def test_no_loss_of_cases_that_land_while_pods_die(site: Site, deployed: Deployed) -> None:
    rng, landed = random.Random(_SEED), list[Landed]()  # noqa: S311 - deaths that can be repeated
    for number, item in enumerate(land(deployed, f"CHAOS-loss-{deployed.observer.session}", _SIZE.uploads, _SEED)):
        landed.append(item)
        if number % _EVERY == _EVERY - 1:
            _kill(site, rng.choice((*SERVICES, *_OUTSIDE)))
    settle(landed, deployed.case, _PATIENCE_S)
    verdict = verdict_on(landed, deployed.case, deployed.scores)
    assert (verdict.lost, verdict.ambiguous, verdict.ended) == ([], [], len(landed))
    unequal, groups = differing(landed, lambda case_id: deployed.score_bytes(deployed.case(case_id)))
    assert unequal == []
    assert groups > 0


def _kill(site: Site, component: str) -> None:
    """End a pod of a component, at once where it keeps no data."""
    release, grace = (site.medulla, ("0", "--force")) if component in SERVICES else (site.outside, ("1",))
    until(f"a pod of {component}", lambda: "" if release.pods(component) else "there is none", _PATIENCE_S)
    pod = release.pods(component)[0]["metadata"]["name"]
    say(f"killing {pod}")
    site.namespace.kubectl("delete", "pod", pod, "--grace-period", *grace)


def test_no_loss_of_a_record_and_a_slide_whose_events_were_missed(site: Site, deployed: Deployed) -> None:
    run = f"CHAOS-missed-{deployed.observer.session}"
    landed = [Landed(f"{run}-record", RECORD_ONLY), Landed(f"{run}-slide", SLIDE_ONLY)]
    with silent_bucket(deployed.observer):
        deployed.land_record(landed[0].case_id)
        land_slide_of(deployed, landed[1].case_id)
    sweep(site)
    assert settle(landed, deployed.case, _PATIENCE_S) == []


def test_replay_of_every_event_changes_no_score_and_doubles_no_dead_letter(deployed: Deployed) -> None:
    _assert_held(replay.run(deployed, _SEED, _SIZE))


def test_last_version_of_a_record_wins(deployed: Deployed) -> None:
    _assert_held(last_version.run(deployed, _SEED, _SIZE))


@pytest.fixture
def watched_tiler(site: Site) -> Iterator[None]:
    """The only tiler, which Kafka waits for as shortly as it can."""
    variable = {"name": "MEDULLA_KAFKA__MAX_POLL_INTERVAL_MS", "value": str(_POLL_MS)}
    site.medulla.install({"tiler": {"extraEnv": [variable]}})
    until("one tiler in its group", lambda: "" if len(members(site, "tiler")) == 1 else "others", _PATIENCE_S)
    yield
    site.medulla.install()


@pytest.mark.usefixtures("watched_tiler")
def test_long_job_of_several_poll_intervals_costs_no_membership(site: Site, deployed: Deployed) -> None:
    """Kafka gives a member that was thought dead, and comes back, another id."""
    before, case = members(site, "tiler"), f"CHAOS-long-{deployed.observer.session}"
    deployed.land_slide(case, slow(200_000) + case.encode(), "slow.tif")
    seen, landed_at = set[tuple[str, ...]](), time.monotonic()

    def ended() -> bool:
        seen.add(members(site, "tiler"))
        return has_outcome(deployed.case(case))

    assert wait_for(ended, _PATIENCE_S, pause_s=_POLL_MS / 4000)
    assert seen == {before}
    assert time.monotonic() - landed_at > _POLLS * _POLL_MS / 1000, "too short to show anything"


def test_poison_of_every_kind_ends_once_and_stops_nothing(site: Site, deployed: Deployed) -> None:
    run = f"CHAOS-poison-{deployed.observer.session}"
    with hostile_tiler(site):
        poisons, restarts = one_of_each(_SEED, run), _restarts(site)
        good = [Landed(f"{run}-good-{number}", SLIDE_ONLY) for number in range(len(poisons) // _EVERY)]
        for number, poison in enumerate(poisons):
            poison.put(deployed)
            if number % _EVERY == _EVERY - 1:
                land_slide_of(deployed, good[number // _EVERY].case_id)
        assert settle(good, deployed.case, _PATIENCE_S) == []
        _wait_for_all(lambda: {each.kind for each in poisons if each not in ended_once(deployed, poisons)})
        assert _restarts(site) == restarts


def _wait_for_all(left: Callable[[], set[str]]) -> None:
    until("one dead letter of each reader of each poison", lambda: ", ".join(sorted(left())), _PATIENCE_S, 5)


def _restarts(site: Site) -> dict[str, int]:
    """How often each container of the services has restarted, by pod."""
    pods = [pod for service in SERVICES for pod in site.medulla.pods(service)]
    return {
        pod["metadata"]["name"]: sum(each["restartCount"] for each in pod["status"]["containerStatuses"])
        for pod in pods
    }


def test_memory_without_triton_is_bounded_and_slides_that_waited_are_scored(site: Site, deployed: Deployed) -> None:
    run, pod, restarts = f"CHAOS-waits-{deployed.observer.session}", site.medulla.pod("embedder"), _restarts(site)
    landed = [Landed(f"{run}-{number}", SLIDE_ONLY) for number in range(_EVERY)]
    held = list[float]()

    def has_looked() -> bool:
        held.append(memory.working_sets(site.namespace)[pod, "embedder"] / 2**20)
        return len(held) == _LOOKS

    with triton_away(site, pod):
        for item in landed:
            land_slide_of(deployed, item.case_id)
        assert wait_for(has_looked, _PATIENCE_S, pause_s=5)
        assert still_open(landed, deployed.case) == landed, "Triton was there"
    say(f"{growth(held):+.0f} MB, median {median(held):.0f} MB, in {len(held)} looks")
    assert growth(held) <= GROWTH_MB
    assert settle(landed, deployed.case, _PATIENCE_S) == []
    assert _restarts(site) == restarts


def test_canary_names_are_nowhere_they_should_not_be_and_an_altered_score_is_noticed(deployed: Deployed) -> None:
    canary.plant_and_settle(deployed)
    searched = [*deployed.metrics(), *places(deployed, PLANTED), *deployed.logs()]
    _assert_held(canary.rows(deployed, searched, _SEED, _SIZE))
