"""Prototypes in a score: each tile by the nearest, shares by slide, and a score without them as it was."""

from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from medulla.v1.scorer_pb2 import HazardRatio
from safetensors.numpy import load as load_tensors

from services.fusion_scorer.inputs import CaseInputs
from services.fusion_scorer.score import Scored, score
from services.fusion_scorer.score_json import to_bytes
from services.fusion_scorer.slide_risk import pool_slides
from shared.model.bundle import load
from shared.model.errors import BadBundleError
from shared.model.mil import MilAnswer
from shared.units import CaseId
from tests.support.fusion import features, slide_input, with_prototypes, write_bundle

SLIDES = slide_input("A", features((0, 0), (1, 4), (0, 3))), slide_input("B", features((0, 1)))


def scored(folder: Path, files: dict[str, bytes]) -> Scored:
    return score(load(write_bundle(folder, files)), CaseInputs(CaseId("MB-1"), SLIDES), "0.0")


def test_each_slide_has_the_share_of_each_prototype(tmp_path: Path) -> None:
    result = scored(tmp_path, with_prototypes()).score
    first, second = (list(slide.prototype_shares) for slide in result.slides)
    assert first == pytest.approx([1 / 3, 2 / 3], abs=1e-6)
    assert second == [1, 0]


def test_a_score_says_what_the_training_cohort_shows_of_each_prototype(tmp_path: Path) -> None:
    unclear, risky = scored(tmp_path, with_prototypes()).score.prototypes
    assert (unclear.number, unclear.training_share, unclear.HasField("hazard_ratio")) == (0, 0.75, False)
    assert risky.hazard_ratio == HazardRatio(ratio=1.5, lo=1.2, hi=1.875, level=0.95)


def test_each_tile_has_its_prototype_beside_its_attention(tmp_path: Path) -> None:
    result = scored(tmp_path, with_prototypes())
    tensors = [load_tensors(result.attention[slide.attention_key]) for slide in result.score.slides]
    assert [each["prototype"].tolist() for each in tensors] == [[0, 1, 1], [0]]


def test_projected_tiles_that_are_no_numbers_are_the_fault_of_the_bundle(tmp_path: Path) -> None:
    bundle = load(write_bundle(tmp_path, with_prototypes()))
    answer = MilAnswer(0.5, features((0.5, 0.5))[0], features((0, np.nan), (0, 1)))
    broken = replace(bundle, mil=Mock(return_value=answer, width=2))
    with pytest.raises(BadBundleError, match="numbers that are not finite"):
        pool_slides(broken, SLIDES)


def test_a_bundle_without_prototypes_gives_the_same_bytes_as_before(tmp_path: Path) -> None:
    plain = scored(tmp_path / "plain", {})
    assert b"prototype" not in to_bytes(plain.score) + b"".join(plain.attention.values())
    assert scored(tmp_path / "with", with_prototypes()).score.log_risk == plain.score.log_risk
