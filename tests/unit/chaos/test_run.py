"""A run of every scenario: what is timed runs alone, and the minutes of the whole are a row that may fail."""

import pytest

from tests.chaos import __main__ as chaos
from tests.chaos.row import Row
from tests.chaos.size import GLANCE, Size


def test_every_scenario_runs_once_and_those_that_are_timed_last(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def run(name: str, seed: int, size: Size) -> list[Row]:
        order.append(name)
        return [Row(name, "", True, seed, size.name)]

    monkeypatch.setattr(chaos, "_run", run)
    out = chaos._Report(1, GLANCE, publishes=False)
    chaos._run_all(tuple(chaos.SCENARIOS), out)
    assert sorted(order) == sorted(chaos.SCENARIOS) == sorted(out.minutes)
    assert tuple(order[-len(chaos._TIMED) :]) == chaos._TIMED
    assert out.held


def test_a_whole_run_of_more_than_an_hour_does_not_hold_and_says_by_how_much() -> None:
    over = chaos._whole({"poison": 60.0, "kills": 1.5}, 61.5, 3.0, seed=1)
    assert not over.held
    assert over.figure == "61.5 minutes, 1.5 more than an hour, beside other work of load 3.0: poison 60.0, kills 1.5"
    assert chaos._whole({"poison": 59.0}, 59.0, 3.0, seed=1).held
