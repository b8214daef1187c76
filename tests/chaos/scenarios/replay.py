"""Every event again, three times and in another order: nothing of what is shown may change."""

import random

from shared.bus import topics
from shared.bus.port import Record
from tests.chaos.history import Landed, settle, verdict_on
from tests.chaos.landing import RECORD_ONLY, land
from tests.chaos.poisons import SCORER, TILER, Poison, ended_once
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.support.installation import Installation
from tests.support.polling import wait_for

_REPLAYED = (topics.S3_EVENTS, topics.SLIDES_TILED, topics.SLIDES_EMBEDDED, topics.CASES_SCORED)
_TIMES = 3
_POISON = b"\xff\x00 this is no event"
_PATIENCE_S = 1800.0


def run(system: Installation, seed: int, size: Size, prefix: str = "CHAOS") -> list[Row]:
    """One current score for each case, unchanged, and no dead letter a second time; names begin with `prefix`."""
    landed = list(land(system, f"{prefix}-replay", max(8, size.uploads // 10), seed))
    poison = _poison(f"{prefix}-poison")
    poison.put(system)
    settle(landed, system.case, _PATIENCE_S)
    assert wait_for(lambda: ended_once(system, [poison]), _PATIENCE_S, pause_s=1), "the poison is not given up"
    before = {item.case_id: system.case(item.case_id).get("score") for item in landed}
    letters = int(system.get("/api/v1/dead-letters")["total"])
    _replay(system, prefix, poison, seed)
    _behind(system, prefix)
    verdict = verdict_on(landed, system.case, system.scores)
    unchanged = sum(system.case(case_id).get("score") == score for case_id, score in before.items())
    return [
        Row.of_counts(
            f"Events replayed {_TIMES} times, shuffled, change no current score",
            unchanged,
            len(landed),
            f"{len(verdict.ambiguous)} ambiguous",
            seed=seed,
            size=size.name,
        ),
        _letters(letters, system, seed, size.name),
    ]


def _poison(name: str) -> Poison:
    record = Record(topics.S3_EVENTS, name, _POISON)
    return Poison("odd bytes", name, (TILER, SCORER), lambda system: system.send(record))


def _replay(system: Installation, prefix: str, poison: Poison, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - an order that can be repeated
    for topic in _REPLAYED:
        records = [
            delivery.record
            for delivery in system.read(topic)
            if f"{prefix}-".encode() in delivery.record.value or delivery.record.key == poison.name
        ]
        again = records * _TIMES
        rng.shuffle(again)
        system.send(*again)


def _behind(system: Installation, prefix: str) -> None:
    """Everything sent so far has passed: records on every partition have gone the whole way behind it."""
    behind = [Landed(f"{prefix}-behind-{number}", RECORD_ONLY) for number in range(12)]
    for item in behind:
        system.land_record(item.case_id)
    settle(behind, system.case, _PATIENCE_S)


def _letters(before: int, system: Installation, seed: int, size: str) -> Row:
    """Dead letters as an operator sees them."""
    after = system.get("/api/v1/dead-letters")["total"]
    figure = f"{before} before, {after} after {_TIMES} replays"
    return Row("Dead letters of a repeated event do not multiply", figure, 0 < before == after, seed, size)
