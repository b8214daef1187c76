"""The checker of `make chaos` sees what it is there to see: lost cases, several current scores, unequal bytes."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import URLError

from tests.chaos import report
from tests.chaos.faults import schedule
from tests.chaos.history import Landed, anonymous, differing, has_outcome, settle, still_open, unambiguous, verdict_on
from tests.chaos.row import Row
from tests.chaos.size import GLANCE, LAPTOP
from tests.stack.services import SERVICES

SCORED = Landed("A", "fused")
REFUSED = Landed("B", "not_a_slide")
LOST = Landed("C", "fused")
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "A": {"score": {"model": "fused"}},
    "B": {"rejections": [{"reason": "not_a_slide"}]},
    "C": {"score": {"model": "clinical_molecular"}, "rejections": [{"reason": "empty_object"}]},
}


def score(name: str, *, current: bool = True) -> dict[str, Any]:
    return {"score": {"score_id": name}, "current": current}


def scores_of(*scores: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return scores


def test_a_case_that_did_not_end_as_it_has_to_is_lost() -> None:
    verdict = verdict_on([SCORED, REFUSED, LOST], ANSWERS.__getitem__, lambda _: scores_of(score("1")))
    assert (verdict.scored, verdict.refused, verdict.lost) == (["A"], ["B"], ["C"])
    assert (verdict.ended, verdict.ambiguous) == (2, [])


def test_a_case_has_an_outcome_by_a_score_or_a_refusal_alone() -> None:
    assert has_outcome({"score": {"model": "fused"}, "rejections": []})
    assert has_outcome({"rejections": [{"reason": "not_a_slide"}]})
    assert not has_outcome({"summary": {"state": "CASE_STATE_IN_PROGRESS"}, "rejections": []})
    assert not has_outcome({})


def test_two_current_scores_none_and_one_twice_are_ambiguous() -> None:
    assert unambiguous([score("1"), score("2", current=False)])
    for scores in ([], [score("1"), score("2")], [score("1", current=False)], [score("1"), score("1", current=False)]):
        assert not unambiguous(scores)
        assert verdict_on([SCORED], ANSWERS.__getitem__, {"A": scores}.__getitem__).ambiguous == ["A"]


def test_a_service_that_is_down_leaves_its_cases_open() -> None:
    def unreachable(_: str) -> Mapping[str, Any]:
        raise URLError("refused")

    assert still_open([SCORED], unreachable) == [SCORED]
    assert still_open([SCORED, LOST], ANSWERS.__getitem__) == [LOST]


def test_waiting_asks_only_for_the_first_open_case_and_ends_with_all_that_are_open() -> None:
    looked_up: list[str] = []

    def case(name: str) -> Mapping[str, Any]:
        looked_up.append(name)
        return ANSWERS[name]

    assert settle([SCORED, REFUSED], case, 0) == []
    assert looked_up == ["A", "B"]
    assert settle([LOST, SCORED, LOST], case, 0) == [LOST, LOST]
    assert looked_up[2:] == ["C", "C", "A", "C"]


def test_scores_of_equal_inputs_differ_by_any_byte_but_those_that_name_the_case() -> None:
    landed = [Landed("A", "fused", "slide 0"), Landed("B", "fused", "slide 0"), Landed("C", "fused")]
    texts = {"A": b'{"case_id":"A","risk":0.25}', "B": b'{"case_id":"B","risk":0.25}', "C": b'{"risk":0.5}'}
    assert differing(landed, texts.__getitem__) == ([], 1)
    assert differing(landed, (texts | {"B": b'{"case_id":"B","risk":0.2500001}'}).__getitem__) == (["slide 0"], 1)


def test_only_what_names_a_case_is_left_out_of_the_comparison() -> None:
    provenance = {"clinical_digest": "d", "bundle_digest": "b"}
    named = {
        "case_id": "A",
        "score_id": "s",
        "remarks": [],
        "provenance": provenance,
        "slides": [{"attention_key": "k"}],
    }
    assert json.loads(anonymous(json.dumps(named).encode())) == {"provenance": {"bundle_digest": "b"}, "slides": [{}]}


def test_a_schedule_is_the_same_for_a_seed_and_has_every_kind_of_fault() -> None:
    faults = schedule(7, 240, LAPTOP)
    assert faults == schedule(7, 240, LAPTOP) != schedule(8, 240, LAPTOP)
    assert [fault.at_s for fault in faults] == sorted(fault.at_s for fault in faults)
    targets = [fault.target for fault in faults]
    assert targets.count("kafka") == LAPTOP.broker_kills
    assert {"postgres", "events"} < set(targets) <= {"kafka", "postgres", "events", *SERVICES}
    assert 240 / 15 - 1 <= sum(target in SERVICES for target in targets) <= 240 / 5


def test_a_row_of_counts_holds_where_all_were_good_and_any_were_wanted() -> None:
    def held(good: int, wanted: int) -> bool:
        return Row.of_counts("promise", good, wanted, "", seed=1, size=GLANCE.name).held

    assert [held(3, 3), held(2, 3), held(0, 0)] == [True, False, False]


def test_the_report_keeps_the_rows_of_other_runs_and_shows_what_fails(tmp_path: Path) -> None:
    first, second = Row("one", "3 of 3", True, 1, "glance"), Row("two", "2 of 3", False, 1, "glance")
    report.publish(tmp_path, "first", [first], 3, "today")
    report.publish(tmp_path, "second", [second], 1, "today")
    again = Row("another", "2 of 3 | 1 lost", False, 2, "glance")
    text = report.publish(tmp_path, "first", [again], 2.5, "later", ["first", "third"]).read_text()
    assert "| first | another | 2 of 3 / 1 lost | **no** | 2 | glance | 2.5 | later |" in text
    assert "| second | two | 2 of 3 | **no** | 1 | glance | 1 | today |" in text
    assert "| one |" not in text
    assert "Without a published run: third." in text
    larger = Row("one", "30 of 30", True, 1, "full")
    text = report.publish(tmp_path, "first", [larger], 60, "at night").read_text()
    assert ("| first | one | 30 of 30 | yes | 1 | full | 60 |" in text, "2 of 3 / 1 lost" in text) == (True, True)


def test_the_report_says_of_which_scenario_the_minutes_are_unknown(tmp_path: Path) -> None:
    row = Row("one", "3 of 3", True, 1, "glance")
    text = report.publish(tmp_path, "first", [row], 0, "today").read_text()
    assert "| first | one | 3 of 3 | yes | 1 | glance | unknown | today |" in text
