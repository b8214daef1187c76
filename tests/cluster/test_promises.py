"""The scenarios of `make chaos` on a site, by their names and with smaller counts (tests/chaos/README.md)."""

import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median

import pytest

from shared import keys
from shared.canonical import sha256
from tests.chaos.history import Landed, differing, has_outcome, settle, still_open, verdict_on
from tests.chaos.landing import RECORD_ONLY, SLIDE_ONLY, announced_at, land, land_slide_of
from tests.chaos.places import TRACE, places
from tests.chaos.planted import Planted
from tests.chaos.poisons import Poison, ended_once, one_of_each
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
from tests.support.cluster.operator import paste
from tests.support.cluster.release import SERVICES
from tests.support.cluster.site import Site, say
from tests.support.cluster.slides import slow
from tests.support.cluster.sweeping import silent_bucket, sweep
from tests.support.cluster.triton import triton_away
from tests.support.polling import wait_for

_SEED = 1
_OUTSIDE = ("dev-kafka", "dev-s3", "dev-postgres")
_BEFORE_A_DEATH = 4
"""Cases that land before each death of a pod."""
_UPLOADS = _BEFORE_A_DEATH * len((*SERVICES, *_OUTSIDE))
_SIZE = replace(GLANCE, name="cluster", uploads=_UPLOADS, overwritten=5)
_POISONS_A_SLIDE = 4
"""Poisons before each good slide."""
_UNENCODED = 4
"""Slides that land while Triton is away."""
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


@pytest.fixture(scope="module", autouse=True)
def _without_letters(site: Site) -> Iterator[None]:
    """What was given up here is dropped in the end, as other tests look for letters of their own."""
    yield
    listed = json.loads(paste(site, "medulla dead-letters list --json").stdout)
    if listed:
        dropped = paste(site, f"medulla dead-letters drop {' '.join(letter['id'] for letter in listed)}")
        assert dropped.returncode == 0, dropped.stderr
    paste(site, "kubectl -n $NS delete job $R-operator")


def _broken(rows: list[Row]) -> list[str]:
    """The figures of promises that were not held; all figures are printed."""
    figures = {f"{row.promise}: {row.figure}": row.held for row in rows}
    say("\n".join(figures))
    return [figure for figure, held in figures.items() if not held]


def test_no_loss_of_cases_that_land_while_pods_die(site: Site, deployed: Deployed) -> None:
    landed, deaths = list[Landed](), [*SERVICES, *_OUTSIDE]
    random.Random(_SEED).shuffle(deaths)  # noqa: S311 - an order that can be repeated
    for item in land(deployed, f"CHAOS-loss-{deployed.observer.session}", _UPLOADS, _SEED):
        landed.append(item)
        if len(landed) % _BEFORE_A_DEATH == 0:
            _kill(site, deaths.pop(0))
    assert deaths == []
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
    announced = _announced_with(deployed, f"{run}-later")
    assert [item.case_id for item in landed if item.case_id in announced] == [], "the bucket was not silent"
    assert still_open(landed, deployed.case) == landed
    sweep(site)
    assert settle(landed, deployed.case, _PATIENCE_S) == []


def _announced_with(deployed: Deployed, case_id: str) -> set[str]:
    """Land a record for a case; the cases that are announced once it is."""
    deployed.land_record(case_id)
    announced = set[str]()

    def missing() -> str:
        announced.update(announced_at(deployed))
        return "" if case_id in announced else f"it announced {len(announced)} cases"

    until(f"the bucket to announce {case_id}", missing, _PATIENCE_S)
    return announced


def test_replay_of_every_event_changes_no_score_and_doubles_no_dead_letter(deployed: Deployed) -> None:
    assert _broken(replay.run(deployed, _SEED, _SIZE, _prefix(deployed))) == []


def test_last_version_of_a_record_wins(deployed: Deployed) -> None:
    assert _broken(last_version.run(deployed, _SEED, _SIZE, _prefix(deployed))) == []


def _prefix(deployed: Deployed) -> str:
    """Begins the name of each case of a scenario, so that a site that stays has no case twice."""
    return f"CHAOS-{deployed.observer.session}"


@pytest.fixture
def watched_tiler(site: Site) -> Iterator[None]:
    """The only tiler, which Kafka waits for as shortly as it can."""
    variable = {"name": "MEDULLA_KAFKA__MAX_POLL_INTERVAL_MS", "value": str(_POLL_MS)}
    try:
        site.medulla.install({"tiler": {"extraEnv": [variable]}})
        until("one tiler in its group", lambda: _unless_one(members(site, "tiler")), _PATIENCE_S)
        yield
    finally:
        site.medulla.install()


def _unless_one(tilers: Sequence[str]) -> str:
    return "" if len(tilers) == 1 else ", ".join(tilers) or "none"


@pytest.mark.usefixtures("watched_tiler")
def test_long_job_of_several_poll_intervals_costs_no_membership(site: Site, deployed: Deployed) -> None:
    """Kafka gives a member that was thought dead, and comes back, another id."""
    before, case = members(site, "tiler"), f"CHAOS-long-{deployed.observer.session}"
    slide, seen = slow(200_000) + case.encode(), set[tuple[str, ...]]()
    derived = keys.derived(sha256(slide))
    deployed.land_slide(case, slide, "slow.tif")
    landed_at = time.monotonic()

    def is_planned() -> bool:
        seen.add(members(site, "tiler"))
        return any(key.startswith(derived) and key.endswith(keys.PLAN) for key in deployed.stored_keys())

    assert wait_for(is_planned, _PATIENCE_S, pause_s=_POLL_MS / 4000)
    assert time.monotonic() - landed_at > _POLLS * _POLL_MS / 1000, "too short to show anything"
    assert wait_for(lambda: has_outcome(deployed.case(case)), _PATIENCE_S, pause_s=1)
    assert seen | {members(site, "tiler")} == {before}


def test_poison_of_every_kind_ends_once_and_stops_nothing(site: Site, deployed: Deployed) -> None:
    run = f"CHAOS-poison-{deployed.observer.session}"
    with hostile_tiler(site):
        poisons, restarts = one_of_each(_SEED, run), _restarts(site)
        good = [Landed(f"{run}-good-{number}", SLIDE_ONLY) for number in range(len(poisons) // _POISONS_A_SLIDE)]
        for number, poison in enumerate(poisons):
            poison.put(deployed)
            if number % _POISONS_A_SLIDE == _POISONS_A_SLIDE - 1:
                land_slide_of(deployed, good[number // _POISONS_A_SLIDE].case_id)
        assert settle(good, deployed.case, _PATIENCE_S) == []
        until("one letter of each reader of each", lambda: ", ".join(_others(deployed, poisons)), _PATIENCE_S, 5)
        assert settle(_behind(deployed, run), deployed.case, _PATIENCE_S) == []
        assert _others(deployed, poisons) == [], "once more after that"
        assert _restarts(site) == restarts


def _others(deployed: Deployed, poisons: Sequence[Poison]) -> list[str]:
    """Kinds of which the dead letters are not one of each reader."""
    ended = ended_once(deployed, poisons)
    return sorted(poison.kind for poison in poisons if poison not in ended)


def _behind(deployed: Deployed, run: str) -> list[Landed]:
    """A record and a slide that land now."""
    record, slide = Landed(f"{run}-last-record", RECORD_ONLY), Landed(f"{run}-last-slide", SLIDE_ONLY)
    deployed.land_record(record.case_id)
    land_slide_of(deployed, slide.case_id)
    return [record, slide]


def _restarts(site: Site) -> dict[str, int]:
    """How often each container of the services has restarted, by pod."""
    pods = [pod for service in SERVICES for pod in site.medulla.pods(service)]
    return {
        pod["metadata"]["name"]: sum(each["restartCount"] for each in pod["status"]["containerStatuses"])
        for pod in pods
    }


def test_memory_without_triton_is_bounded_and_slides_that_waited_are_scored(site: Site, deployed: Deployed) -> None:
    run, pod, restarts = f"CHAOS-waits-{deployed.observer.session}", site.medulla.pod("embedder"), _restarts(site)
    landed = [Landed(f"{run}-{number}", SLIDE_ONLY) for number in range(_UNENCODED)]
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
    planted = Planted(_prefix(deployed))
    canary.plant_and_settle(deployed, planted)
    searched = [*deployed.metrics(), *places(deployed, planted.cases), *deployed.logs()]
    kinds = [kind for kind in canary.KINDS if kind != TRACE]
    assert _broken(canary.rows(deployed, planted, searched, _SEED, _SIZE, kinds)) == []
