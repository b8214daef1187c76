"""Another bundle under load: live cases go on, every case ends with it, and the way back takes under a minute."""

import statistics
import tempfile
import time
from pathlib import Path

from tests.chaos.history import Landed, await_each, settle
from tests.chaos.landing import RECORD_ONLY, seconds_to_score
from tests.chaos.medulla import medulla
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.support.polling import wait_for
from tests.support.renamed_bundle import renamed
from tests.support.system import DEMO_BUNDLE, System

_NAME = "demo-simulated-again"
_BACK_S = 60.0
_SLOWER = 2.0
_PROBES = 5
_BUNDLES = 2
_PATIENCE_S = 3600.0


def run(system: System, seed: int, size: Size) -> list[Row]:
    """Nothing lost or mixed, live work first, and a rollback."""
    landed = [Landed(f"CHAOS-kept-{number:05d}", RECORD_ONLY) for number in range(size.promoted_cases)]
    for item in landed:
        system.land_record(item.case_id)
    settle(landed, system.case, _PATIENCE_S)
    idle = [seconds_to_score(system, f"CHAOS-idle-{number}", _PATIENCE_S) for number in range(_PROBES)]
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="medulla-chaos-") as folder:
        medulla(system, "rescore", "--bundle", str(renamed(Path(folder) / "bundle", _NAME)), "--despite-reservations")
    busy = [seconds_to_score(system, f"CHAOS-live-{number}", _PATIENCE_S) for number in range(_PROBES)]
    await_each(landed, lambda item: _is_scored_again(system, item), _PATIENCE_S)
    seconds, ratio = time.monotonic() - start, max(busy) / max(idle)
    figure = f"{ratio:.1f} times: {statistics.median(busy):.1f} s, idle {statistics.median(idle):.1f} s (medians)"
    return [
        Row.of_counts(
            "After a promotion every case has a score of the new bundle",
            _scored_by(system, landed),
            len(landed),
            f"{seconds:.0f} s",
            seed=seed,
            size=size.name,
        ),
        Row(
            "During a promotion the slowest live case takes at most twice its idle time",
            figure,
            ratio <= _SLOWER,
            seed,
            size.name,
        ),
        _unmixed(system, landed, seed, size.name),
        _way_back(system, seed, size.name),
    ]


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


def _lands_on_first(system: System, case_id: str) -> bool:
    seconds_to_score(system, case_id, _PATIENCE_S)
    return _bundle(system, case_id) not in {"", _NAME}
