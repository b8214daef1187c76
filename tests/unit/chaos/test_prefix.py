"""Runs with different prefixes share no key, so that each shows something on an installation that stays."""

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from shared.bus import topics
from shared.bus.dead_letters import to_dead_letter
from shared.bus.port import Delivery, Record
from shared.errors import PoisonMessageError
from tests.chaos.landing import FUSED, RECORD_ONLY, SLIDE_ONLY
from tests.chaos.planted import Planted
from tests.chaos.scenarios import last_version, replay
from tests.chaos.size import GLANCE
from tests.support.installation import Database, Installation

_AGE = "age_at_diagnosis_years"
_FOLLOWS = (
    topics.SLIDES_TILED,
    topics.SLIDES_EMBEDDED,
    topics.SLIDES_REJECTED,
    topics.CASES_RESCORE,
    topics.CASES_SCORED,
    topics.PROGRESS,
)
"""Topics on which something stands of whatever lands."""
_LOOKS = 1
"""At the dead letters before the poison is given up."""


class _AtOnce(Installation):
    """Scores whatever lands, erases on request, and gives a poison up some looks later."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.sent: list[Record] = []
        self.erased = set[str]()
        self.looks = 0

    def land(self, key: str, data: bytes, beside: str = "") -> None:  # noqa: ARG002 - the signature
        self.keys.append(key)
        self.sent.append(Record(topics.S3_EVENTS, f"bucket/{key}", key.encode()))
        self.sent += [Record(topic, "", key.encode()) for topic in _FOLLOWS]

    def stored(self, key: str) -> bytes:
        raise NotImplementedError

    def stored_keys(self) -> Iterator[str]:
        return (key for key in self.keys if not any(case in key for case in self.erased))

    def send(self, *records: Record) -> None:
        self.sent += records
        rescored = [record for record in records if record.topic == topics.CASES_RESCORE_BACKGROUND]
        self.sent += [replace(record, topic=topics.CASES_SCORED_BACKGROUND) for record in rescored]
        self.erased |= {record.key for record in records if record.topic == topics.CASES_ERASE}

    def read(self, topic: str) -> list[Delivery]:
        records = self._letters() if topic == topics.DEAD_LETTERS else [r for r in self.sent if r.topic == topic]
        self.looks += topic == topics.DEAD_LETTERS
        return [Delivery(record, 0, offset, 0.0) for offset, record in enumerate(records)]

    def _letters(self) -> Sequence[Record]:
        poison = next(record for record in self.sent if record.key.endswith("poison"))
        delivery, error = Delivery(poison, 0, 0, 0.0), PoisonMessageError("odd")
        readers = ("tiler", "fusion_scorer") if self.looks >= _LOOKS else ()
        return [to_dead_letter(delivery, error, reader) for reader in readers]

    def get(self, path: str) -> dict[str, Any]:
        case = path.split("/")[4:5]
        if path.endswith("dead-letters"):
            return {"total": len(self._letters())}
        if path.endswith("/rescoring"):
            return {"waiting": 0}
        if path.endswith("/scores"):
            return {"scores": [{"score": {"score_id": "1"}, "current": True}]}
        return {} if self.erased.issuperset(case) else self._case(*case)

    def _case(self, case: str) -> dict[str, Any]:
        folders = {key.partition("/")[0] for key in self.keys if case in key}
        model = FUSED if len(folders) > 1 else {"clinical": RECORD_ONLY, "slides": SLIDE_ONLY}[folders.pop()]
        reasons = ("not_a_slide", "no_resolution", "empty_object")
        age = {"variable": _AGE, "value": "9.5"}
        return {"score": {"model": model, "contributions": [age]}, "rejections": [{"reason": r} for r in reasons]}

    def answer(self, path: str) -> tuple[str, bytes]:
        raise NotImplementedError

    def database(self) -> AbstractContextManager[Database]:
        raise NotImplementedError


def test_dead_letters_are_counted_once_the_poison_is_given_up_and_only_the_run_is_sent_again() -> None:
    system = _AtOnce()
    other = Record(topics.S3_EVENTS, "bucket/slides/CHAOS-earlier-1/slide.svs", b"CHAOS-earlier-1")
    system.send(other)
    rows = replay.run(system, 1, GLANCE, "CHAOS-now")
    assert [row.held for row in rows] == [True, True, True]
    assert rows[0].figure.endswith("events of 10 topics")
    assert rows[2].figure == "2 before, 2 after 3 replays"
    assert system.sent.count(other) == 1
    assert [record.key for record in system.sent].count("CHAOS-now-poison") == 4


def test_runs_share_no_key_and_land_as_much() -> None:
    first, second = _AtOnce(), _AtOnce()
    for prefix, system in (("CHAOS-a", first), ("CHAOS-b", second)):
        last_version.run(system, 1, GLANCE, prefix)
        replay.run(system, 1, GLANCE, prefix)
        Planted(prefix).land(system)
    assert [key.replace("CHAOS-a", "CHAOS-b") for key in first.keys] == second.keys
    assert not set(first.keys) & set(second.keys)


def test_what_is_planted_lands_below_its_cases_and_its_bad_keys() -> None:
    system, planted = _AtOnce(), Planted("CHAOS-a")
    landed = planted.land(system)
    assert {item.case_id for item in landed} == set(planted.cases)
    elsewhere = [key for key in system.keys if not any(case in key for case in planted.cases)]
    assert sorted(elsewhere) == sorted(planted.bad_keys)
    assert json.dumps(planted.bad_keys).count(planted.folder) == 3
