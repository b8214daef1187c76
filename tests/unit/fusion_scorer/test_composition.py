"""A bundle with a classifier of tiles composes a case by itself; one without it scores as it did."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from medulla.v1.scorer_pb2 import ScoreCaseRequest
from pydantic import ValidationError
from safetensors.numpy import load as load_tensors

from services.fusion_scorer.inputs import CaseInputs
from services.fusion_scorer.promoted import promote
from services.fusion_scorer.score import Scored, score
from services.fusion_scorer.score_json import to_bytes
from services.fusion_scorer.what_if_form import form
from shared.model.bundle import load
from shared.model.case_vector import parse_vector, vector_bytes
from shared.model.errors import BadBundleError
from shared.units import CaseId
from tests.support.fusion import composed_entries, features, slide_input, tile_classifier, with_classifier, write_bundle
from tests.support.scorer import Scorer

CASE = CaseId("MB-1")
SLIDES = slide_input("A", features((0, 0), (1, 4), (0, 4))), slide_input("B", features((0, 0)))
"""Two nodular tiles and two plain ones."""


def scored(folder: Path, case: CaseInputs, **changes: Any) -> Scored:
    bundle = write_bundle(folder, with_classifier(**changes), composed_entries())
    return score(load(bundle), case, "0.0")


def test_the_shares_of_a_cases_tiles_are_its_vector_without_any_file(tmp_path: Path) -> None:
    result = scored(tmp_path / "slides", CaseInputs(CASE, SLIDES)).score
    (evidence,) = result.vectors
    assert (evidence.block, evidence.known_columns, evidence.from_slides) == ("composition", 2, True)
    assert (result.model, list(result.modalities_used)) == ("composed", ["histology composition"])
    file = vector_bytes(CASE, "composition", {"nodular": 0.5, "plain": 0.5}, simulated=False)
    stored = parse_vector(file, CASE, "composition")
    by_hand = scored(tmp_path / "file", CaseInputs(CASE, vectors=(stored,))).score
    assert by_hand.log_risk == pytest.approx(result.log_risk, abs=1e-6)
    assert result.provenance.vectors == by_hand.provenance.vectors
    assert not by_hand.vectors[0].from_slides


def test_each_slide_has_its_shares_and_each_tile_its_likeliest_class(tmp_path: Path) -> None:
    result = scored(tmp_path, CaseInputs(CASE, SLIDES))
    assert list(result.score.composition_classes) == ["nodular", "plain"]
    shares = [list(slide.composition_shares) for slide in result.score.slides]
    assert shares == [pytest.approx([2 / 3, 1 / 3], abs=1e-6), pytest.approx([0, 1], abs=1e-6)]
    tensors = [load_tensors(result.attention[slide.attention_key]) for slide in result.score.slides]
    assert [each["composition"].tolist() for each in tensors] == [[1, 0, 0], [1]]


def test_a_vector_that_came_with_the_case_counts_and_a_block_that_is_left_out_is_missing(tmp_path: Path) -> None:
    file = vector_bytes(CASE, "composition", {"nodular": 1.0, "plain": 0.0}, simulated=False)
    given = scored(tmp_path / "a", CaseInputs(CASE, SLIDES, vectors=(parse_vector(file, CASE, "composition"),))).score
    assert not given.vectors[0].from_slides
    without = scored(tmp_path / "b", CaseInputs(CASE, SLIDES, without_vectors=frozenset({"composition"}))).score
    assert (list(without.vectors), without.model) == ([], "pathomics")
    assert len({given.score_id, without.score_id, scored(tmp_path / "c", CaseInputs(CASE, SLIDES)).score.score_id}) == 3


def test_a_form_offers_the_block_where_slides_can_give_it(tmp_path: Path) -> None:
    bundle = load(write_bundle(tmp_path, with_classifier(), composed_entries()))
    offered = [
        {block.block: block.stored for block in form(bundle, CaseInputs(CASE, slides)).blocks}
        for slides in (SLIDES, ())
    ]
    assert [each["composition"] for each in offered] == [True, False]


def test_a_question_may_leave_the_block_of_the_slides_out_or_give_other_shares(tmp_path: Path) -> None:
    scorer = Scorer(tmp_path)
    promote(scorer.store, write_bundle(tmp_path / "composed", with_classifier(), composed_entries()))
    scorer.slide("A", (0, 0), (1, 4))
    usual = scorer.what_if(ScoreCaseRequest(case_id=CASE))
    without = scorer.what_if(ScoreCaseRequest(case_id=CASE, without_vectors=["composition"]))
    given = {"composition": '{"values": {"nodular": 0.9, "plain": 0.1}}'}
    other = scorer.what_if(ScoreCaseRequest(case_id=CASE, vectors_json=given))
    assert (usual.model, without.model, other.model) == ("composed", "pathomics", "composed")
    assert other.log_risk > usual.log_risk
    stored = scorer.score()
    assert (stored.log_risk, stored.vectors[0].from_slides) == (usual.log_risk, True)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"encoder": {"name": "other", "digest": "0" * 64}}, "another encoder"),
        ({"coefficients": np.ones((2, 3)).tolist()}, "differ in the width"),
        ({"classes": ["nodular", "necrosis"]}, "differ in their classes"),
        ({"block": "texture"}, "block texture, which the profile does not have"),
        ({"classes": ["plain", "plain"]}, "a class occurs twice"),
        ({"intercept": [0.0]}, "a row for each class"),
        ({"prevalence": [0.0, 1.0]}, "every prevalence must be 1e-09 or more"),
    ],
)
def test_a_classifier_that_does_not_fit_its_bundle_is_refused(
    tmp_path: Path, changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadBundleError, match=words):
        scored(tmp_path, CaseInputs(CASE, SLIDES), **changed)


def test_tiles_are_classified_the_same_in_one_step_and_in_many() -> None:
    tiles = np.random.default_rng(1).normal(size=(9_000, 2)).astype(np.float32)
    probabilities = tile_classifier().probabilities(tiles)
    assert np.allclose(probabilities[8_990:], tile_classifier().probabilities(tiles[8_990:]))
    assert np.allclose(probabilities.sum(axis=1), 1)


def test_a_bundle_without_a_classifier_gives_the_same_bytes_as_before(tmp_path: Path) -> None:
    result = score(load(write_bundle(tmp_path)), CaseInputs(CASE, SLIDES), "0.0")
    assert b"composition" not in to_bytes(result.score) + b"".join(result.attention.values())
    assert b"from_slides" not in to_bytes(result.score)


@pytest.mark.parametrize(
    "changes",
    [{"coefficients": [[0.0, 1e300], [0.0, 0.0]]}, {"temperature": 1e-300}, {"prevalence": [1e-320, 1e-320]}],
    ids=lambda changes: next(iter(changes)),
)
def test_numbers_that_leave_a_tile_without_a_class_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        tile_classifier(**changes)
