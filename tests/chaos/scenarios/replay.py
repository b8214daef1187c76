"""Every event again, three times and in another order: nothing of what is shown may change."""

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.fusion_scorer.background import in_background
from services.fusion_scorer.changes import request as score_again
from shared import erased
from shared.bus import topics
from shared.bus.events import to_record
from shared.bus.port import Record
from shared.times import utc_now
from shared.units import CaseId
from tests.chaos.history import Landed, settle, verdict_on
from tests.chaos.landing import FUSED, RECORD_ONLY, land, land_slide_of
from tests.chaos.poisons import SCORER, TILER, Poison, ended_once
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.support.installation import Installation
from tests.support.polling import wait_for

_REPLAYED = tuple(topic for topic in topics.ALL if topic != topics.DEAD_LETTERS)
_TIMES = 3
_ERASED = 2
_OPERATOR = "operator"
"""Who asks for erasures and for scores in the background."""
_POISON = b"\xff\x00 this is no event"
_PATIENCE_S = 1800.0


def run(system: Installation, seed: int, size: Size, prefix: str = "CHAOS") -> list[Row]:
    """What REST shows of each case stays, and no dead letter comes a second time; names begin with `prefix`."""
    landed = [*land(system, f"{prefix}-replay", max(8, size.uploads // 10), seed), _land_broken(system, prefix)]
    gone = [f"{prefix}-erased-{number}" for number in range(_ERASED)]
    poison = _poison(f"{prefix}-poison")
    poison.put(system)
    settle([*landed, *(_land_whole(system, case_id) for case_id in gone)], system.case, _PATIENCE_S)
    assert wait_for(lambda: ended_once(system, [poison]), _PATIENCE_S, pause_s=1), "the poison is not given up"
    _score_in_background(system, verdict_on(landed, system.case, system.scores).scored)
    _erase(system, gone)
    before = {item.case_id: system.case(item.case_id) for item in landed}
    letters = int(system.get("/api/v1/dead-letters")["total"])
    events = _replay(system, prefix, poison, seed)
    _behind(system, prefix)
    return [
        _unchanged(system, landed, before, events, seed, size.name),
        _stays_erased(system, gone, seed, size.name),
        _letters(letters, system, seed, size.name),
    ]


def _poison(name: str) -> Poison:
    record = Record(topics.S3_EVENTS, name, _POISON)
    return Poison("odd bytes", name, (TILER, SCORER), lambda system: system.send(record))


def _land_broken(system: Installation, prefix: str) -> Landed:
    """One that is refused, whatever the others are."""
    landed = Landed(f"{prefix}-broken", "not_a_slide")
    system.land_slide(landed.case_id, b"this is no slide at all")
    return landed


def _land_whole(system: Installation, case_id: str) -> Landed:
    land_slide_of(system, case_id)
    system.land_record(case_id)
    return Landed(case_id, FUSED)


def _score_in_background(system: Installation, cases: Iterable[str]) -> None:
    """Ask for scores as an operator does, and wait until each is announced; inputs and bundle are what they were."""
    requests = [score_again(CaseId(case_id), _OPERATOR, utc_now()) for case_id in cases]
    system.send(*(to_record(request, _OPERATOR) for request in in_background(requests)))

    def announced() -> bool:
        keys = {delivery.record.key for delivery in system.read(topics.CASES_SCORED_BACKGROUND)}
        return keys.issuperset(request.case_id for request in requests)

    assert wait_for(announced, _PATIENCE_S, pause_s=1), "not every case is scored in the background"


def _erase(system: Installation, cases: Sequence[str]) -> None:
    """Ask for erasures as an operator does, and wait until nothing is left."""
    system.send(*(to_record(erased.request(CaseId(case_id), _OPERATOR), _OPERATOR) for case_id in cases))
    are_gone = wait_for(lambda: all(_is_gone(system, case_id) for case_id in cases), _PATIENCE_S, pause_s=1)
    assert are_gone, "something is left of an erased case"


def _is_gone(system: Installation, case_id: str) -> bool:
    """Whether neither REST nor the bucket names a case."""
    return not system.case(case_id) and not any(case_id in key for key in system.stored_keys())


def _replay(system: Installation, prefix: str, poison: Poison, seed: int) -> Mapping[str, int]:
    """Send what stands on each topic and is of this run again; how many events those were, by topic."""
    rng, counts = random.Random(seed), dict[str, int]()  # noqa: S311 - an order that can be repeated
    for topic in _REPLAYED:
        records = [
            delivery.record
            for delivery in system.read(topic)
            if f"{prefix}-".encode() in delivery.record.value or delivery.record.key == poison.name
        ]
        again = records * _TIMES
        rng.shuffle(again)
        system.send(*again)
        counts[topic] = len(records)
    return counts


def _behind(system: Installation, prefix: str) -> None:
    """Everything sent so far has passed: cases on every partition have gone the whole way behind it."""
    behind = [Landed(f"{prefix}-behind-{number}", RECORD_ONLY) for number in range(12)]
    for item in behind:
        system.land_record(item.case_id)
    settle(behind, system.case, _PATIENCE_S)
    idle = wait_for(lambda: system.get("/api/v1/rescoring")["waiting"] == 0, _PATIENCE_S, pause_s=1)
    assert idle, "requests in the background are left"


def _unchanged(
    system: Installation,
    landed: Sequence[Landed],
    before: Mapping[str, Mapping[str, Any]],
    events: Mapping[str, int],
    seed: int,
    size: str,
) -> Row:
    """A topic on which nothing stood shows nothing."""
    verdict = verdict_on(landed, system.case, system.scores)
    fields = [_differing(answer, system.case(case_id)) for case_id, answer in before.items()]
    empty = [topic for topic, count in events.items() if not count]
    more = f"{len(verdict.ambiguous)} ambiguous; {sum(events.values())} events of {len(events)} topics"
    more += f"; none on {', '.join(empty)}" if empty else ""
    more += f"; differing: {', '.join(sorted(set().union(*fields)))}" if any(fields) else ""
    promise = f"Events of every topic, replayed {_TIMES} times and shuffled, change nothing of a case"
    good = 0 if empty or verdict.ambiguous else fields.count(set())
    return Row.of_counts(promise, good, len(landed), more, seed=seed, size=size)


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """Fields of what REST shows of a case that are not what they were."""
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def _stays_erased(system: Installation, gone: Sequence[str], seed: int, size: str) -> Row:
    erased_still = sum(_is_gone(system, case_id) for case_id in gone)
    promise = "What is replayed of an erased case brings nothing of it back"
    return Row.of_counts(promise, erased_still, len(gone), "cases", seed=seed, size=size)


def _letters(before: int, system: Installation, seed: int, size: str) -> Row:
    """Dead letters as an operator sees them."""
    after = system.get("/api/v1/dead-letters")["total"]
    figure = f"{before} before, {after} after {_TIMES} replays"
    return Row("Dead letters of a repeated event do not multiply", figure, 0 < before == after, seed, size)
