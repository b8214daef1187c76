"""SIMULATED cohorts: the same plan gives the same bytes, another draw of outcomes the same patients and slides."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.trainer.errors import BadSimulationError
from services.trainer.profile import load_profile
from services.trainer.simulation.simulate import SimulationPlan, simulate
from services.trainer.simulation.vectors import VectorPlan, vector_plans
from tests.support.cohorts import quiet

PLAN = SimulationPlan(120, effect=1.6, seed=5, tiles=1, width=8)
OUTCOME = ("time_days", "event_code")


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
    facts = [name for name in drawn[0][0] if name not in OUTCOME]
    pairs = [(one[name], two[name]) for one, two in zip(*drawn, strict=True) for name in facts]
    assert all(one == two or "" in (one, two) for one, two in pairs)
    assert any(one != two for one, two in pairs)
    assert sum(one["time_days"] == two["time_days"] for one, two in zip(*drawn, strict=True)) < len(drawn[0]) / 10


def test_the_effect_moves_the_outcomes_of_a_draw_and_nothing_else(tmp_path: Path) -> None:
    none, some = (rows(replace(PLAN, effect=effect, outcome_seed=1), tmp_path / str(effect)) for effect in (1.0, 3.0))
    changed = {name for one, two in zip(none, some, strict=True) for name in one if one[name] != two[name]}
    assert changed == set(OUTCOME)


VECTORS = (VectorPlan("blood", 6, 2.0), VectorPlan("genes", 30, 1.5))


def test_vectors_are_written_with_a_profile_and_change_slides_and_facts_of_nobody(tmp_path: Path) -> None:
    rows(PLAN, tmp_path / "a")
    rows(replace(PLAN, vectors=VECTORS), tmp_path / "b")
    one, two = content(tmp_path / "a"), content(tmp_path / "b")
    assert two.keys() - one.keys() == {"profile.yaml", "vectors/blood.csv", "vectors/genes.csv"}
    changed = {name for name in one if one[name] != two[name]}
    assert changed == {"cohort.csv", "SIMULATED_truth.csv", "SIMULATED.md"}
    profile = load_profile(str(tmp_path / "b" / "profile.yaml"))
    assert [block.name for block in profile.vectors] == ["blood", "genes"]
    assert profile.variables == load_profile().variables


def test_a_vector_shows_the_latent_of_its_block_and_every_row_is_marked(tmp_path: Path) -> None:
    plan = replace(PLAN, vectors=VECTORS)
    rows(plan, tmp_path)
    with (tmp_path / "vectors" / "genes.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    with (tmp_path / "SIMULATED_truth.csv").open(encoding="utf-8", newline="") as file:
        latent = {row["case_id"]: float(row["latent_genes"]) for row in csv.DictReader(file)}
    assert {row["simulated"] for row in written} == {"true"}
    assert 80 < len(written) < plan.patients
    assert any(cell == "" for row in written for cell in row.values())
    columns = [name for name in written[0] if name.startswith("v")]
    known = [[float(row[name] or "nan") for name in columns] for row in written]
    shown = np.array([latent[row["case_id"]] for row in written])
    kept = [~np.isnan(column) for column in np.array(known).T]
    correlations = [abs(np.corrcoef(c[k], shown[k])[0, 1]) for c, k in zip(np.array(known).T, kept, strict=True)]
    assert sorted(correlations)[-3] > 0.4


def test_columns_of_a_block_measure_the_same_in_another_cohort(tmp_path: Path) -> None:
    means = []
    for seed in (1, 2):
        rows(replace(PLAN, seed=seed, vectors=VECTORS[:1]), tmp_path / str(seed))
        with (tmp_path / str(seed) / "vectors" / "blood.csv").open(encoding="utf-8", newline="") as file:
            means.append(
                np.nanmean([[float(row[f"v000{i}"] or "nan") for i in range(6)] for row in csv.DictReader(file)], 0)
            )
    assert means[0] == pytest.approx(means[1], abs=2)
    assert np.ptp(means[0]) > 5


@pytest.mark.parametrize(
    "text",
    ["blood", "blood=17", "blood=0,1.5", "blood=5001,1.5", "blood=17,0", "Blood=17,1.5", "blood=17,-1", "blood=1.5,2"],
)
def test_a_block_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(BadSimulationError, match=r"is not NAME=COLUMNS,EFFECT"):
        vector_plans([text])


@pytest.mark.parametrize("texts", [["blood=3,1", "blood=4,1"], ["clinical=3,1"], ["pathomics=3,1"], ["fused=3,1"]])
def test_blocks_that_cannot_be_told_apart_are_refused(texts: list[str]) -> None:
    with pytest.raises(BadSimulationError, match="--vectors: blocks"):
        vector_plans(texts)
