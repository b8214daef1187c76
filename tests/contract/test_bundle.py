"""The bundle format: the scorer reads it; the shipped demo bundle makes sense of the demo slide."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from services.fusion_scorer.inputs import CaseInputs, SlideInput
from services.fusion_scorer.promoted import Bundles, promote
from services.fusion_scorer.score import score
from services.fusion_scorer.stored_files import StoredFiles
from services.standalone.embedded_slides import embed_slides
from services.standalone.local_slides import slide_at
from services.standalone.pipeline_options import Options
from services.trainer.cohort.embeddings import read_embeddings
from shared.blob.folder import FolderStore
from shared.export.slide_attention import PREFERENCE
from shared.model.bundle import Bundle, load
from shared.model.record import ClinicalRecord, parse_record
from shared.units import CaseId
from tests.support import slides
from tests.support.cohorts import quiet
from tests.support.fusion import slide_input
from tests.support.installation import CLINICAL
from tests.support.system import DEMO_BUNDLE, SLIDE

CASE = CaseId("DEMO-001")


@dataclass(frozen=True)
class Bag:
    """A slide's features [n, d], and of which encoder."""

    features: npt.NDArray[np.float32]
    encoder: str


def bag_of(slide: Path, out: Path, options: Options | None = None) -> Bag:
    embed_slides([slide_at(slide)], out, options or Options(), quiet)
    embeddings = read_embeddings(out)
    return Bag(embeddings.bag(next(iter(embeddings.by_case))), embeddings.encoder_digest)


@pytest.fixture(scope="module")
def demo() -> Bundle:
    return load(DEMO_BUNDLE)


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Bag:
    return bag_of(SLIDE, tmp_path_factory.mktemp("embedded"))


def real_slide(tiles: Bag) -> SlideInput:
    return slide_input("S1", tiles.features, CASE, encoder=tiles.encoder)


def demo_record(bundle: Bundle) -> ClinicalRecord:
    return parse_record(CLINICAL.read_bytes(), CASE, bundle.manifest.profile)


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


def test_the_demo_case_is_in_distribution_and_gets_a_risk_with_its_interval(demo: Bundle, tiles: Bag) -> None:
    result = score(demo, CaseInputs(CASE, (real_slide(tiles),), demo_record(demo)), "0.0").score
    assert (result.model, result.abstained, result.simulated) == ("fused", False, True)
    assert not result.out_of_distribution.flagged
    assert [item.horizon_years for item in result.risks] == [3, 5]
    for item in result.risks:
        assert 0 < item.lo < item.risk < item.hi < 1
    assert result.risks[0].risk < result.risks[1].risk
    assert sum(item.log_hazard for item in result.contributions) == pytest.approx(result.log_risk, abs=1e-5)


def test_the_demo_slide_lies_well_inside_the_slides_that_the_bundle_was_fitted_on(demo: Bundle, tiles: Bag) -> None:
    embedding = demo.reference.embedding
    assert embedding is not None
    (distance,) = embedding.case_distances(tiles.features.mean(axis=0, dtype=np.float64)[np.newaxis])
    assert distance < 0.9 * embedding.limits.flag


def restained(path: Path) -> Path:
    """The demo slide as a laboratory with another stain would have it: thrice the green's density, half the red's."""
    density = np.log(255 / np.maximum(slides.cc0_pixels(), 1).astype(np.float64))
    pixels = np.round(255 * np.exp(-density * (0.5, 3.0, 1.0))).astype(np.uint8)
    return slides.write_tiff(path, pixels)


def frozen_section(_path: Path) -> Path:
    return slides.TCGA_SLIDE


def pen_ink(path: Path) -> Path:
    return slides.write_tiff(path, slides.picture(slides.INK_PICTURE), (1.0, 1.0))


@pytest.mark.parametrize("write_slide", [restained, frozen_section, pen_ink])
def test_other_tissue_and_a_strongly_different_stain_are_out_of_distribution(
    demo: Bundle, tmp_path: Path, write_slide: Callable[[Path], Path]
) -> None:
    bag = bag_of(write_slide(tmp_path / "slide.tiff"), tmp_path / "embedded", Options(default_mpp=0.5))
    result = score(demo, CaseInputs(CASE, (slide_input("S1", bag.features, CASE, bag.encoder),)), "0.0").score
    assert result.out_of_distribution.flagged


def test_the_demo_bundle_weighs_the_demo_slides_tiles_by_what_they_show(demo: Bundle, tiles: Bag) -> None:
    assert demo.mil is not None
    attention = demo.mil(tiles.features).attention
    assert attention.max() > PREFERENCE * attention.mean()
    assert attention.max() > 1.5 * attention.min()


@pytest.mark.parametrize(
    ("blocks", "name"),
    [
        ({"clinical", "molecular", "pathomic"}, "fused"),
        ({"clinical", "molecular"}, "clinical_molecular"),
        ({"clinical", "pathomic"}, "clinical_pathomics"),
        ({"molecular", "pathomic"}, "molecular_pathomics"),
        ({"clinical"}, "clinical"),
        ({"molecular"}, "molecular"),
        ({"pathomic"}, "pathomics"),
    ],
)
def test_every_pattern_of_what_is_known_is_served(demo: Bundle, tiles: Bag, blocks: set[str], name: str) -> None:
    values = {"clinical": {"sex": "male"}, "molecular": {"molecular_group": "G3"}}
    known = {key: value for block in blocks & values.keys() for key, value in values[block].items()}
    record = ClinicalRecord(demo.digest, known) if known else None
    slides = (real_slide(tiles),) if "pathomic" in blocks else ()
    result = score(demo, CaseInputs(CASE, slides, record), "0.0").score
    assert result.model == name
    groups = {group.name for group in demo.thresholds.arms[name].groups}
    assert (result.risk_group in groups) == (result.certainty.state == "clear")
    assert result.risk_group_rule


def test_features_of_nothing_seen_in_training_make_the_demo_bundle_abstain(demo: Bundle, tiles: Bag) -> None:
    unlike = slide_input("S1", np.roll(tiles.features, 7, axis=1), CASE, tiles.encoder)
    assert score(demo, CaseInputs(CASE, (unlike,)), "0.0").score.abstained


def test_a_promoted_bundle_is_read_from_a_store_as_from_its_folder(tmp_path: Path, demo: Bundle) -> None:
    store = FolderStore(tmp_path)
    assert promote(store, DEMO_BUNDLE).digest == demo.digest
    assert load(StoredFiles(store, demo.digest)).digest == demo.digest
    assert Bundles(store).promoted().bundle.manifest == demo.manifest
