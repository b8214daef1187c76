"""The bundle format: what the trainer writes, the scorer reads; the shipped demo bundle keeps what it promises."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from services.fusion_scorer.bundle import Bundle, load
from services.fusion_scorer.bundle_files import StoredFiles
from services.fusion_scorer.clinical import ClinicalRecord, parse
from services.fusion_scorer.inputs import CaseInputs, SlideInput
from services.fusion_scorer.promoted import Bundles, promote
from services.fusion_scorer.score import score
from services.trainer.demo import demo_bundle
from services.trainer.demo.arms import ARMS
from services.trainer.demo.demo_bundle import Recipe, build
from services.trainer.demo.demo_tiles import EncodedTiles, encode
from shared.blob.folder import FolderStore
from shared.notice import NOTICE
from shared.units import CaseId
from tests.support.fusion import slide_input

STANDALONE = Path(demo_bundle.__file__).parents[2] / "standalone"
DEMO = STANDALONE / "demo" / "bundle"
CASE = CaseId("DEMO-001")


@pytest.fixture(scope="module")
def demo() -> Bundle:
    return load(DEMO)


@pytest.fixture(scope="module")
def tiles() -> EncodedTiles:
    return encode(Recipe.slide, Recipe.encoder)


def real_slide(tiles: EncodedTiles) -> SlideInput:
    return slide_input("S1", tiles.features.astype(np.float32), CASE, encoder=tiles.encoder_digest)


def demo_record(bundle: Bundle) -> ClinicalRecord:
    data = (STANDALONE / "demo" / "clinical" / f"{CASE}.json").read_bytes()
    return parse(data, CASE, bundle.manifest.profile)


def test_the_demo_bundle_says_that_it_is_simulated_and_for_research(demo: Bundle) -> None:
    assert demo.manifest.simulated
    assert demo.manifest.notice == NOTICE
    card = (DEMO / "model_card.md").read_text()
    assert card.startswith("# Demo bundle (SIMULATED)")
    assert NOTICE in card


def test_the_demo_bundle_is_small() -> None:
    assert sum(path.stat().st_size for path in DEMO.iterdir()) < 1_000_000


def test_the_demo_bundle_is_made_for_the_default_encoder(demo: Bundle) -> None:
    manifest = json.loads((Recipe.encoder / "manifest.json").read_text())
    assert demo.manifest.encoder is not None
    assert demo.manifest.encoder.digest == manifest["digest"]
    assert demo.mil is not None
    assert demo.mil.width == manifest["dim"]


def test_the_default_profile_has_the_variables_of_the_cohort_table(demo: Bundle) -> None:
    assert [variable.name for variable in demo.manifest.profile.variables] == [
        "age_at_diagnosis_years",
        "sex",
        "chang_m_stage",
        "extent_of_resection",
        "residual_area_cm2",
        "histology",
        "molecular_group",
        "tp53_status",
        "myc_amp",
        "mycn_amp",
    ]
    assert list(demo.manifest.profile.outcome.codes) == ["0", "1", "2", "3"]


def test_the_demo_bundles_card_tells_its_seed_its_gain_and_its_threshold(demo: Bundle) -> None:
    card = (DEMO / "model_card.md").read_text()
    assert f"seed {Recipe.seed}, not chosen" in card
    assert re.search(r"\| fused - clinical_molecular \| -?0\.\d{3} \(-?0\.\d{3} to -?0\.\d{3}\) \|", card)
    limit = demo.thresholds.arms["fused"].groups[0].below
    assert f"at {limit:.3f}:" in card


def test_the_demo_case_is_in_distribution_and_gets_a_risk_with_its_interval(demo: Bundle, tiles: EncodedTiles) -> None:
    said = score(demo, CaseInputs(CASE, (real_slide(tiles),), demo_record(demo)), "0.0").score
    assert (said.model, said.abstained, said.simulated) == ("fused", False, True)
    assert not said.out_of_distribution.flagged
    assert [item.horizon_years for item in said.risks] == [3, 5]
    for item in said.risks:
        assert 0 < item.lo < item.risk < item.hi < 1
    assert said.risks[0].risk < said.risks[1].risk
    assert sum(item.log_hazard for item in said.contributions) == pytest.approx(said.log_risk, abs=1e-5)


def test_the_demo_bundle_prefers_some_of_the_demo_slides_tiles(demo: Bundle, tiles: EncodedTiles) -> None:
    assert demo.mil is not None
    _, attention = demo.mil(tiles.features.astype(np.float32))
    assert attention.max() > 2 * attention.mean()


@pytest.mark.parametrize("name", [spec.name for spec in ARMS])
def test_every_pattern_of_what_is_known_is_served(demo: Bundle, tiles: EncodedTiles, name: str) -> None:
    blocks = next(spec.blocks for spec in ARMS if spec.name == name)
    values = {"clinical": {"sex": "male"}, "molecular": {"molecular_group": "G3"}}
    known = {key: value for block in blocks if block in values for key, value in values[block].items()}
    record = ClinicalRecord(demo.digest, known) if known else None
    slides = (real_slide(tiles),) if "pathomic" in blocks else ()
    said = score(demo, CaseInputs(CASE, slides, record), "0.0").score
    assert said.model == name
    assert said.risk_group in {"below threshold", "above threshold"}


def test_features_of_nothing_seen_in_training_make_the_demo_bundle_abstain(demo: Bundle, tiles: EncodedTiles) -> None:
    strange = slide_input("S1", np.roll(tiles.features, 7, axis=1).astype(np.float32), CASE, tiles.encoder_digest)
    assert score(demo, CaseInputs(CASE, (strange,)), "0.0").score.abstained


def test_what_the_trainer_writes_is_read_and_the_same_recipe_gives_the_same_digest(tmp_path: Path) -> None:
    recipe = Recipe(patients=60, refits=2, resamples=2)
    digests = {build(recipe, tmp_path / name) for name in ("one", "two")}
    assert digests == {load(tmp_path / "one").digest}


def test_a_promoted_bundle_is_read_from_a_store_as_from_its_folder(tmp_path: Path, demo: Bundle) -> None:
    store = FolderStore(tmp_path)
    assert promote(store, DEMO).digest == demo.digest
    assert load(StoredFiles(store, demo.digest)).digest == demo.digest
    assert Bundles(store).promoted().bundle.manifest == demo.manifest
