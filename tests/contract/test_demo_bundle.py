"""The shipped demo bundle is the one that `make demo-bundle` states, and its card says what its files say."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.trainer.cohort.embeddings import read_embeddings
from services.trainer.cohort.table import read_cohort
from services.trainer.metrics.verdict import verdict
from services.trainer.profile import load_profile
from services.trainer.simulation.simulate import SimulationPlan, simulate
from shared.canonical import digest_of
from shared.model.bundle import Bundle, load
from shared.model.record import parse_record
from shared.notice import NOTICE
from shared.units import CaseId
from tests.support.cohorts import quiet
from tests.support.command_line import medulla
from tests.support.demo_bundle import stated
from tests.support.system import DEMO_BUNDLE

REMAKE = "run `make demo-bundle`"


@pytest.fixture(scope="module")
def demo() -> Bundle:
    return load(DEMO_BUNDLE)


@pytest.fixture(scope="module")
def card() -> str:
    return (DEMO_BUNDLE / "model_card.md").read_text()


def bundle_json(name: str) -> Any:
    return json.loads((DEMO_BUNDLE / name).read_text())


def test_it_says_that_it_is_simulated_and_for_research(demo: Bundle, card: str) -> None:
    assert demo.manifest.simulated
    assert demo.manifest.notice == NOTICE
    assert "(SIMULATED)" in card.splitlines()[0]
    assert "Research use only" in card


def test_the_demo_bundle_is_small() -> None:
    """0.5 of 1.3 MB are the reference that detects slides of other stains."""
    assert sum(path.stat().st_size for path in DEMO_BUNDLE.iterdir()) < 1_400_000


def test_it_was_made_of_the_cohort_that_the_command_simulates(card: str, tmp_path: Path) -> None:
    options = stated("simulate")
    plan = SimulationPlan(
        patients=int(options.single("--patients")),
        effect=float(options.single("--effect")),
        sites=int(options.single("--sites")),
        seed=int(options.single("--seed")),
        tiles=1,
        width=8,
    )
    simulate(plan, tmp_path, quiet)
    cohort = read_cohort(tmp_path / "cohort.csv", load_profile())
    assert f"`{cohort.digest}`" in card, f"the simulation gives another cohort by now: {REMAKE}"


def test_it_has_the_name_the_date_and_the_seed_that_the_command_states(demo: Bundle, card: str) -> None:
    options = stated("train")
    assert (demo.manifest.name, demo.manifest.created) == (options.single("--name"), options.single("--created"))
    assert f"{options.single('--refits')} refits" in card
    assert card.rstrip().endswith(f"Seed {options.single('--seed')}.")
    assert options.single("--seed") == stated("simulate").single("--seed")
    assert DEMO_BUNDLE.samefile(options.single("--out"))


def test_its_card_tells_the_history_of_its_seed(card: str) -> None:
    remarks = stated("train").options["--remark"]
    assert any("seed" in remark.lower() for remark in remarks)
    assert all(f"- {remark}\n" in card for remark in remarks), REMAKE


def test_it_reads_the_default_encoder_and_the_default_profile(demo: Bundle) -> None:
    encoder = json.loads((DEFAULT_ENCODER / "manifest.json").read_text())
    assert demo.manifest.encoder is not None
    assert demo.manifest.encoder.digest == encoder["digest"]
    assert demo.mil is not None
    assert demo.mil.width == encoder["dim"]
    assert digest_of(bundle_json("bundle.json")["profile"]) == digest_of(load_profile().served())


def test_it_reads_words_as_people_write_them(demo: Bundle) -> None:
    record = parse_record(
        b'{"molecular_group": "Group 3", "sex": "F", "tp53_status": "NA"}', CaseId("A"), demo.manifest.profile
    )
    assert dict(record.values) == {"molecular_group": "G3", "sex": "female"}
    assert [reading.value for reading in record.readings] == ["female", "G3", "missing"]


def test_its_card_gives_every_model_its_figures_with_intervals_and_its_threshold(demo: Bundle, card: str) -> None:
    figure = r"\d\.\d{3} \(\d\.\d{3} to \d\.\d{3}\)"
    for name, rule in demo.thresholds.arms.items():
        assert re.search(
            rf"^\| {name} \|.*\| {figure} \| {figure} \| {rule.groups[0].below:.3f} \|$", card, re.MULTILINE
        )


def test_its_card_says_whether_the_slides_add_anything(card: str) -> None:
    match = re.search(r"who have both: \S+ \((\S+) to (\S+)\); (.+)\.\n", card)
    assert match
    assert match[3] == verdict(float(match[1]), float(match[2]))


def test_the_commands_that_it_is_made_by_follow_one_another(tmp_path: Path) -> None:
    out = tmp_path / "made"
    assert medulla("simulate", "--patients", 3, "--effect", 1.5, "--seed", 1, "--slides", "--out", out).exit_code == 0
    assert medulla("embed", out, "--out", out / "slide-embeddings").exit_code == 0
    cohort = read_cohort(out / "cohort.csv", load_profile())
    embeddings = read_embeddings(out / "slide-embeddings")
    assert embeddings.has(cohort.case_ids).any()
    assert embeddings.encoder_digest == json.loads((DEFAULT_ENCODER / "manifest.json").read_text())["digest"]


def test_what_is_remarked_stands_in_the_card(tmp_path: Path) -> None:
    simulate(SimulationPlan(patients=100, tiles=1, width=8), tmp_path, quiet)
    words = ("train", "--cohort", tmp_path / "cohort.csv", "--out", tmp_path / "bundle", "--refits", 1)
    assert medulla(*words, "--remark", "Tried once before.", "--remark", "And once more.").exit_code == 0
    card = (tmp_path / "bundle" / "model_card.md").read_text()
    assert "- Tried once before.\n- And once more.\n" in card
