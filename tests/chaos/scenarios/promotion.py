"""Another bundle under load: live cases go on, every case ends with it, and the way back takes under a minute."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.timing import p95
from tests.chaos.history import Landed, await_each, settle, still_open
from tests.chaos.landing import RECORD_ONLY, seconds_from_announcement, seconds_to_score
from tests.chaos.medulla import medulla
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.support.polling import wait_for
from tests.support.renamed_bundle import renamed
from tests.support.system import DEMO_BUNDLE, System

_NAME = "demo-simulated-again"
_BACK_S = 60.0
_SLOWER = 2.0
_AT_A_TIME = 4
"""Live cases that land together; the store announces them together."""
_BUNDLES = 2
_PATIENCE_S = 3600.0


def run(system: System, seed: int, size: Size) -> list[Row]:
    """Nothing lost or mixed, live work first, and a rollback."""
    landed = [Landed(f"CHAOS-kept-{number:05d}", RECORD_ONLY) for number in range(size.promoted_cases)]
    for item in landed:
        system.land_record(item.case_id)
    settle(landed, system.case, _PATIENCE_S)
    idle = _seen_idle(system, size.live_cases)
    start = time.monotonic()
    _promote_other(system)
    live = _seen_meanwhile(system, landed)
    everyone = [*landed, *(Landed(case_id, RECORD_ONLY) for case_id in live)]
    await_each(everyone, lambda item: _is_scored_again(system, item), _PATIENCE_S)
    seconds = time.monotonic() - start
    took = [seconds_from_announcement(system, seen) for seen in (idle, live)]
    return [
        Row.of_counts(
            "After a promotion every case has a score of the new bundle, also those that landed meanwhile",
            _scored_by(system, everyone),
            len(everyone),
            f"{seconds:.0f} s",
            seed=seed,
            size=size.name,
        ),
        _slowed(took[0], took[1], seed, size),
        _unmixed(system, landed, seed, size.name),
        _way_back(system, seed, size.name),
        _resumed(system, landed, seed, size),
    ]


def _seen_idle(system: System, count: int) -> dict[str, float]:
    """When the scores of so many cases or a few more were seen while nothing else was to be done."""
    seen = dict[str, float]()
    while len(seen) < count:
        seen |= _seen_together(system, f"CHAOS-idle-{len(seen)}")
    return seen


def _seen_meanwhile(system: System, landed: Sequence[Landed]) -> dict[str, float]:
    """When the scores of live cases were seen, as long as cases waited to be scored again; returns when none does."""
    seen, latest, start = dict[str, float](), dict[str, float](), time.monotonic()
    while landed := await_each(landed, lambda item: _is_scored_again(system, item), 0):
        seen |= latest
        if time.monotonic() - start > _PATIENCE_S:
            break
        latest = _seen_together(system, f"CHAOS-live-{len(seen)}")
    return seen


def _seen_together(system: System, prefix: str) -> dict[str, float]:
    """Land a few records at once, and see when each has a score, Unix seconds by case."""
    waiting = [Landed(f"{prefix}-{number}", RECORD_ONLY) for number in range(_AT_A_TIME)]
    seen = dict[str, float]()

    def none_left() -> bool:
        left = still_open([item for item in waiting if item.case_id not in seen], system.case)
        scored = {item.case_id for item in waiting} - {item.case_id for item in left} - seen.keys()
        seen.update(dict.fromkeys(scored, time.time()))
        return not left

    for item in waiting:
        system.land_record(item.case_id)
    assert wait_for(none_left, _PATIENCE_S), f"{_AT_A_TIME - len(seen)} live cases have no score"
    return seen


def _slowed(idle: Sequence[float], live: Sequence[float], seed: int, size: Size) -> Row:
    """Too few live cases during the promotion show nothing."""
    ratio = p95(live) / p95(idle)
    figure = f"{ratio:.2f} times: {p95(live):.2f} s of {len(live)} cases, idle {p95(idle):.2f} s of {len(idle)}"
    if live:
        figure += f"; medians {statistics.median(live):.2f} and {statistics.median(idle):.2f} s"
    held = ratio <= _SLOWER and len(live) >= size.live_cases
    promise = (
        f"During a promotion the p95 of live cases, announced to scored, is at most {_SLOWER:.0f} times its idle value"
    )
    return Row(promise, figure, held, seed, size.name)


def _unmixed(system: System, landed: list[Landed], seed: int, size: str) -> Row:
    """Every score, earlier ones too, names one of the two bundles, by the name and the digest that belong together."""
    scores = [score["score"] for item in landed for score in system.scores(item.case_id)]
    bundles = {(score["provenance"]["bundle_name"], score["provenance"]["bundle_digest"]) for score in scores}
    figure = f"{len(scores)} scores of {len(bundles)} bundles"
    return Row("No score mixes the two bundles", figure, len(bundles) == _BUNDLES, seed, size)


def _scored_by(system: System, landed: list[Landed]) -> int:
    return sum(_is_scored_again(system, item) for item in landed)


def _is_scored_again(system: System, landed: Landed) -> bool:
    return _bundle(system, landed.case_id) == _NAME


def _bundle(system: System, case_id: str) -> str:
    score = system.case(case_id).get("score", {})
    return str(score.get("provenance", {}).get("bundle_name", ""))


def _way_back(system: System, seed: int, size: str) -> Row:
    """Promote the first bundle again; how long until what lands is scored by it."""
    start = time.monotonic()
    medulla(system, "rescore", "--bundle", str(DEMO_BUNDLE), "--despite-reservations")
    numbers = iter(range(1000))
    wait_for(lambda: _lands_on_first(system, f"CHAOS-back-{next(numbers)}"), 5 * _BACK_S)
    seconds = time.monotonic() - start
    promise = f"New cases are scored by the old bundle within {_BACK_S:.0f} s of going back"
    return Row(promise, f"{seconds:.0f} s", seconds <= _BACK_S, seed, size)


def _resumed(system: System, landed: Sequence[Landed], seed: int, size: Size) -> Row:
    """Promote the other bundle again and kill results and scorer at once; all cases get its score."""
    _promote_other(system)
    scorer, results = system.services["fusion_scorer"], system.services["results"]
    scorer.kill()
    results.kill()
    results.start()
    waiting = [item for item in landed if not _is_scored_again(system, item)]
    scorer.start()
    left = await_each(waiting, lambda item: _is_scored_again(system, item), _PATIENCE_S)
    promise = "Cases that wait to be scored again when scorer and results are killed are scored after it"
    return Row.of_counts(promise, len(waiting) - len(left), len(waiting), "", seed=seed, size=size.name)


def _promote_other(system: System) -> None:
    with tempfile.TemporaryDirectory(prefix="medulla-chaos-") as folder:
        medulla(system, "rescore", "--bundle", str(renamed(Path(folder) / "bundle", _NAME)), "--despite-reservations")


def _lands_on_first(system: System, case_id: str) -> bool:
    seconds_to_score(system, case_id, _PATIENCE_S)
    return _bundle(system, case_id) not in {"", _NAME}
