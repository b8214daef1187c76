"""Vectors in a score of the toy bundle, counted by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from medulla.v1.scorer_pb2 import Score

from services.fusion_scorer.inputs import CaseInputs
from services.fusion_scorer.score import score
from services.fusion_scorer.score_json import as_dict, to_bytes
from services.fusion_scorer.vectors import read_vector
from shared.model.bundle import Bundle, load
from shared.model.case_vector import CaseVector
from shared.model.errors import BadVectorsError
from shared.model.record import ClinicalRecord
from shared.units import CaseId, Sha256
from tests.support.fusion import features, slide_input, write_bundle
from tests.support.vector_bundle import vector_json, write_vector_bundle

CASE = CaseId("MB-1")
NORMAL = {"hb": 10.0, "wbc": 12.0, "plt": 250.0}
"""One standard deviation below, one above, and the mean: a log-risk of 0.5 + 0.25."""


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return load(write_vector_bundle(tmp_path / "bundle"))


def vector(bundle: Bundle, block: str, **values: float | None) -> CaseVector:
    read = read_vector(vector_json(block, **values), CASE, block, bundle)
    assert read is not None
    return read


def scored(bundle: Bundle, *vectors: CaseVector, stage: str | None = None) -> Score:
    clinical = None if stage is None else ClinicalRecord(Sha256("c" * 64), {"stage": stage})
    return score(bundle, CaseInputs(CASE, clinical=clinical, vectors=vectors), "0.0").score


def test_a_score_of_two_vectors_and_a_record_is_what_a_hand_counts(bundle: Bundle) -> None:
    blood, texture = vector(bundle, "blood", **NORMAL), vector(bundle, "texture", t1=1, t7=-2)
    result = scored(bundle, blood, texture, stage="M1")
    shares = [0.8 * 0.75, 0.5 * (0.75 - 0.1) / 0.5, 0.4 * (0.1 - 1.4) / 2]
    assert result.model == "fused"
    assert [item.log_hazard for item in result.contributions] == pytest.approx(shares)
    assert result.log_risk == pytest.approx(sum(shares))
    assert [item.value for item in result.contributions] == ["M1", "+1.30 SD", "-0.65 SD"]
    assert [item.label for item in result.contributions] == ["M stage", "blood counts", "MRI texture"]
    assert [item.block_title for item in result.contributions] == ["clinical", "blood counts", "MRI texture"]
    assert list(result.modalities_used) == ["clinical", "blood counts", "MRI texture"]
    assert list(result.modalities_missing) == ["slides"]


def test_a_contribution_names_the_columns_that_moved_its_block_most(bundle: Bundle) -> None:
    texture = vector(bundle, "texture", t1=9, t2=0, t3=-1, t4=1, t5=1, t6=1, t7=1)
    result = scored(bundle, vector(bundle, "blood", wbc=12), texture, stage="M0")
    blood, texture_columns = (list(item.columns) for item in result.contributions[1:])
    assert [(column.column, column.value) for column in blood] == [("wbc", "12")]
    assert blood[0].log_hazard == pytest.approx(0.5 / 0.5 * 0.25)
    assert [column.column for column in texture_columns] == ["t1", "t7", "t6", "t5", "t4"]
    assert [column.log_hazard for column in texture_columns] == pytest.approx(
        [0.4 / 2 * each for each in (0.9, 0.7, 0.6, 0.5, 0.4)]
    )


def test_a_missing_value_counts_as_the_training_mean_and_a_missing_vector_as_a_missing_block(bundle: Bundle) -> None:
    partial = scored(bundle, vector(bundle, "blood", hb=10, wbc=None), stage="M0")
    whole = scored(bundle, vector(bundle, "blood", hb=10, wbc=8, plt=250), stage="M0")
    assert (partial.model, partial.log_risk) == ("clinical_blood", whole.log_risk)
    assert (partial.vectors[0].known_columns, partial.vectors[0].model_columns) == (1, 3)
    assert (scored(bundle, stage="M0").model, partial.score_id == whole.score_id) == ("clinical", False)


def test_a_pattern_without_a_model_is_served_by_a_smaller_one_that_names_what_was_left_aside(bundle: Bundle) -> None:
    result = scored(bundle, vector(bundle, "texture", t1=1), stage="M0")
    assert (result.model, list(result.modalities_used)) == ("clinical", ["clinical"])
    assert list(result.modalities_left_aside) == ["MRI texture"]
    assert list(result.modalities_missing) == ["slides", "blood counts"]


def test_slides_that_no_model_reads_with_the_record_are_left_aside(bundle: Bundle) -> None:
    case = CaseInputs(CASE, (slide_input("A", features((0, 1))),), ClinicalRecord(Sha256("c" * 64), {"stage": "M0"}))
    assert list(score(bundle, case, "0.0").score.modalities_left_aside) == ["slides"]


def test_a_vector_that_no_arm_serves_alone_is_an_abstention(bundle: Bundle) -> None:
    result = scored(bundle, vector(bundle, "texture", t1=1))
    assert result.abstained
    assert [item.title for item in result.vectors] == ["MRI texture"]


def test_a_vector_far_from_training_is_flagged_and_one_farther_makes_the_scorer_abstain(bundle: Bundle) -> None:
    unusual = scored(bundle, vector(bundle, "blood", hb=12, wbc=8 + 4 * 5), stage="M0")
    assert unusual.out_of_distribution.distance == pytest.approx(5 / np.sqrt(2), rel=1e-5)
    assert unusual.out_of_distribution.flagged
    assert unusual.vectors[0].out_of_distribution.flagged
    assert unusual.risks
    absurd = scored(bundle, vector(bundle, "blood", plt=250 + 50 * 20), stage="M0")
    assert absurd.abstained_reason.startswith("Out of distribution: the vector of blood counts lies 14.1")
    assert not absurd.risks


def test_a_far_vector_that_the_model_does_not_read_keeps_no_case_from_a_score(bundle: Bundle) -> None:
    arms = tuple(arm for arm in bundle.manifest.arms if arm.name == "pathomics")
    slides_alone = replace(bundle, manifest=bundle.manifest.model_copy(update={"arms": arms}))
    far = vector(bundle, "blood", plt=5000)
    result = score(slides_alone, CaseInputs(CASE, (slide_input("A", features((0, 1))),), vectors=(far,)), "0.0").score
    assert (result.model, result.abstained) == ("pathomics", False)
    assert list(result.modalities_left_aside) == ["blood counts"]
    assert result.vectors[0].out_of_distribution.flagged


def test_the_digest_of_each_vector_is_in_provenance_and_makes_another_score_id(bundle: Bundle) -> None:
    blood, other = vector(bundle, "blood", **NORMAL), vector(bundle, "blood", hb=10)
    first, second = scored(bundle, blood, stage="M0"), scored(bundle, other, stage="M0")
    assert [(item.block, item.digest) for item in first.provenance.vectors] == [("blood", blood.digest)]
    assert len({first.score_id, second.score_id, scored(bundle, stage="M0").score_id}) == 3


def test_the_order_of_vectors_changes_nothing(bundle: Bundle) -> None:
    blood, texture = vector(bundle, "blood", **NORMAL), vector(bundle, "texture", t1=1)
    assert to_bytes(scored(bundle, blood, texture)) == to_bytes(scored(bundle, texture, blood))


def test_a_score_without_vectors_has_no_field_of_them(tmp_path: Path) -> None:
    answer = as_dict(scored(load(write_bundle(tmp_path / "toy")), stage="M0"))
    assert not {"vectors", "modalities_left_aside"} & answer.keys()
    assert "vectors" not in answer["provenance"]
    assert set(answer["contributions"][0]) == {"variable", "value", "log_hazard", "block", "label"}


def test_a_simulated_vector_marks_the_score(bundle: Bundle) -> None:
    data = b'{"values": {"hb": 12}, "simulated": true}'
    read = read_vector(data, CASE, "blood", bundle)
    assert read is not None
    assert scored(bundle, read).simulated
    assert not scored(bundle, vector(bundle, "blood", hb=12)).simulated


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"hb": "high"}, '"hb" is "high"; allowed is a finite number'),
        ({"haemoglobin": 12}, '"haemoglobin" is no column of the bundle'),
        ({"hb": None}, "every value is missing"),
        ({"hb": 1e300}, '"hb" is 1e+300, too large to compute with'),
    ],
)
def test_a_vector_that_does_not_fit_the_bundle_is_refused(
    bundle: Bundle, values: dict[str, float | str | None], what: str
) -> None:
    with pytest.raises(BadVectorsError, match="the vector blood of MB-1 is refused: ") as caught:
        read_vector(vector_json("blood", **values), CASE, "blood", bundle)
    assert what in str(caught.value)
    assert caught.value.reason == "bad_vectors"


def test_a_vector_of_a_block_that_the_bundle_does_not_know_is_not_read(bundle: Bundle) -> None:
    assert read_vector(b"no JSON", CASE, "methylation", bundle) is None
