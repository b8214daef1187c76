"""SIMULATED cohorts: the same plan gives the same bytes, another draw of outcomes the same patients and slides."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from services.trainer.simulation.simulate import SimulationPlan, simulate
from tests.support.cohorts import quiet

PLAN = SimulationPlan(120, effect=1.6, seed=5, tiles=1, width=8)
FATE = ("time_days", "event_code")


def rows(plan: SimulationPlan, folder: Path) -> list[dict[str, str]]:
    simulate(plan, folder, quiet)
    with (folder / "cohort.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("plan", [PLAN, replace(PLAN, outcome_seed=0)])
def test_the_same_plan_gives_the_same_bytes(plan: SimulationPlan, tmp_path: Path) -> None:
    rows(plan, tmp_path / "a")
    rows(plan, tmp_path / "b")
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_another_draw_of_outcomes_keeps_slides_latent_and_true_risk(tmp_path: Path) -> None:
    rows(PLAN, tmp_path / "a")
    rows(replace(PLAN, outcome_seed=1), tmp_path / "b")
    one, two = content(tmp_path / "a"), content(tmp_path / "b")
    assert one.keys() == two.keys()
    assert {name for name in one if one[name] != two[name]} == {"cohort.csv", "SIMULATED.md"}


def test_another_draw_of_outcomes_keeps_facts_and_draws_times_and_gaps(tmp_path: Path) -> None:
    drawn = [rows(replace(PLAN, outcome_seed=seed), tmp_path / str(seed)) for seed in (1, 2)]
    facts = [name for name in drawn[0][0] if name not in FATE]
    pairs = [(one[name], two[name]) for one, two in zip(*drawn, strict=True) for name in facts]
    assert all(one == two or "" in (one, two) for one, two in pairs)
    assert any(one != two for one, two in pairs)
    assert sum(one["time_days"] == two["time_days"] for one, two in zip(*drawn, strict=True)) < len(drawn[0]) / 10


def test_the_effect_moves_the_outcomes_of_a_draw_and_nothing_else(tmp_path: Path) -> None:
    none, some = (rows(replace(PLAN, effect=effect, outcome_seed=1), tmp_path / str(effect)) for effect in (1.0, 3.0))
    changed = {name for one, two in zip(none, some, strict=True) for name in one if one[name] != two[name]}
    assert changed == set(FATE)
