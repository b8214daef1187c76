"""A whole score of the toy bundle, counted by hand."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from medulla.v1.scorer_pb2 import Reading, Remark, Score
from safetensors.numpy import load as load_tensors

from services.fusion_scorer.errors import EncoderMismatchError
from services.fusion_scorer.inputs import CaseInputs, OtherResolution, PlanFacts, SlideInput
from services.fusion_scorer.score import RESERVATION, score
from services.fusion_scorer.score_json import to_bytes
from shared.model import vocabulary
from shared.model.bundle import Bundle, load
from shared.model.record import ClinicalRecord, RecordRemark
from shared.notice import NOTICE
from shared.units import CaseId, Sha256
from tests.support.fusion import arms_with_doubts, features, parts, slide_input, write_bundle

CASE = CaseId("MB-1")


@pytest.fixture
def toy(tmp_path: Path) -> Bundle:
    return load(write_bundle(tmp_path / "bundle"))


def record(**values: float | str) -> ClinicalRecord:
    return ClinicalRecord(Sha256("c" * 64), values)


def scored(bundle: Bundle, *slides: SlideInput, clinical: ClinicalRecord | None = None) -> Score:
    return score(bundle, CaseInputs(CASE, slides, clinical), "0.0").score


def risk_of(log_hazard: float, years: float) -> float:
    """Hazards of 0.1 * exp(log_hazard) and 0.05 a year."""
    event = 0.1 * np.exp(log_hazard)
    return float(event / (event + 0.05) * (1 - np.exp(-(event + 0.05) * years)))


def test_a_fused_score_is_what_a_hand_counts(toy: Bundle) -> None:
    result = scored(toy, slide_input("A", features((0, 2), (0, 4))), clinical=record(stage="M1", group="G3"))
    expected = 0.8 * (1 - 0.25) + 0.4 * (1 - 0.5) + 0.5 * (3 - 1) / 2
    assert result.model == "fused"
    assert result.log_risk == pytest.approx(expected)
    assert [item.risk for item in result.risks] == [pytest.approx(risk_of(expected, y), rel=1e-5) for y in (3, 5)]
    assert {item.variable: round(item.log_hazard, 6) for item in result.contributions} == {
        "stage": 0.6,
        "group": 0.2,
        "pathomics": 0.5,
    }
    assert [item.value for item in result.contributions] == ["M1", "G3", "+1.00 SD"]
    assert [item.label for item in result.contributions] == ["M stage", "group", "pathomics"]
    assert result.percentile == pytest.approx(82.5)
    assert result.risk_group == "high"
    assert "3-year risk" in result.risk_group_rule
    assert "high from 0.2" in result.risk_group_rule


def test_what_speaks_against_the_bundle_is_a_remark_on_every_score(tmp_path: Path) -> None:
    doubt = "Model fused: 57 events for 17 columns, fewer than 10 a column."
    doubted = load(write_bundle(tmp_path / "doubted", entries={"reservations": [doubt]}))
    answer = scored(doubted, clinical=record(stage="M1"))
    assert list(answer.remarks) == [Remark(code="model_reservation", sentence=doubt)]


@pytest.mark.parametrize(("stage", "sentences"), [("M1", ["All."]), (None, ["All.", "Model pathomics: no."])])
def test_a_score_repeats_what_speaks_against_the_model_that_gave_it_and_no_other(
    tmp_path: Path, stage: str | None, sentences: list[str]
) -> None:
    arms = arms_with_doubts(pathomics="Model pathomics: no.", clinical_molecular="Model clinical_molecular: no.")
    doubted = load(write_bundle(tmp_path / "doubted", entries={"arms": arms, "reservations": ["All."]}))
    clinical = record(stage=stage) if stage else None
    answer = scored(doubted, *([] if stage else [slide_input("S", features((0, 1)))]), clinical=clinical)
    assert answer.model == ("clinical" if stage else "pathomics")
    assert [each.sentence for each in answer.remarks if each.code == RESERVATION] == sentences


def test_the_interval_is_that_of_the_refits_in_linear_predictor(toy: Bundle) -> None:
    result = scored(toy, clinical=record(stage="M1", group="G3"))
    mild, strong = risk_of(0.7 * 0.75 + 0.3 * 0.5, 3), risk_of(0.9 * 0.75 + 0.5 * 0.5, 3)
    assert result.risks[0].lo == pytest.approx(mild, rel=1e-5)
    assert result.risks[0].hi == pytest.approx(strong, rel=1e-5)
    assert result.risks[0].level == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("clinical", "with_slide", "model", "missing"),
    [
        (record(stage="M0", group="G4"), True, "fused", []),
        (record(stage="M0", group="G4"), False, "clinical_molecular", ["slides"]),
        (record(stage="M0"), False, "clinical", ["molecular", "slides"]),
        (record(stage="M0"), True, "clinical", ["molecular"]),
        (None, True, "pathomics", ["clinical", "molecular"]),
        (record(group="G3"), True, "pathomics", ["clinical"]),
    ],
)
def test_each_pattern_of_what_is_missing_has_its_model(
    toy: Bundle, clinical: ClinicalRecord | None, with_slide: bool, model: str, missing: list[str]
) -> None:
    slides = [slide_input("A", features((0, 1)))] if with_slide else []
    result = scored(toy, *slides, clinical=clinical)
    assert (result.model, list(result.modalities_missing)) == (model, missing)
    assert not result.abstained


def test_contributions_sum_to_the_log_risk(toy: Bundle) -> None:
    result = scored(toy, slide_input("A", features((1, 2), (0, -3))), clinical=record(stage="M1", group="G4"))
    assert sum(item.log_hazard for item in result.contributions) == pytest.approx(result.log_risk, abs=1e-5)


def test_a_missing_value_inside_a_known_block_takes_the_training_mean(toy: Bundle) -> None:
    result = scored(toy, clinical=record(stage="M1"))
    assert {item.variable: (item.value, item.log_hazard) for item in result.contributions}["age"] == ("missing", 0)


def test_nothing_known_is_an_abstention_not_a_number(toy: Bundle) -> None:
    result = scored(toy, clinical=record())
    assert result.abstained
    assert "Nothing is known" in result.abstained_reason
    assert not result.risks


def test_tiles_far_from_training_make_the_scorer_abstain_with_its_reason(toy: Bundle) -> None:
    result = scored(toy, slide_input("A", features((100, 1))))
    assert result.abstained
    assert result.abstained_reason.startswith("Out of distribution: the slides' mean embedding lies")
    assert result.out_of_distribution.flagged
    assert (result.risk_group, len(result.risks), len(result.contributions)) == ("", 0, 0)


def test_a_little_far_is_flagged_and_still_scored(toy: Bundle) -> None:
    result = scored(toy, clinical=record(stage="M0", age=8 + 4 * 4))
    assert result.out_of_distribution.flagged
    assert result.out_of_distribution.distance == pytest.approx(4)
    assert result.out_of_distribution.limit == pytest.approx(3)
    assert result.risks


def test_an_age_far_from_training_makes_the_scorer_abstain(toy: Bundle) -> None:
    assert "age" in scored(toy, clinical=record(stage="M0", age=70)).abstained_reason


def test_readings_and_remarks_of_the_record_stand_in_the_score(toy: Bundle) -> None:
    variable = toy.manifest.profile.variable("group")
    assert variable is not None
    reading, remark = vocabulary.Reading(variable, "Group 3", "G3"), RecordRemark("profile_check", "Look again.")
    known = ClinicalRecord(Sha256("c" * 64), {"group": "G3"}, readings=(reading,), remarks=(remark,))
    result = scored(toy, clinical=known)
    assert list(result.readings) == [Reading(variable="group", label="group", written="Group 3", value="G3")]
    assert list(result.remarks) == [Remark(code="profile_check", sentence="Look again.")]


def test_tiles_of_all_slides_are_pooled_and_attention_sums_to_one(toy: Bundle) -> None:
    both = (slide_input("A", features((0, 2), (0, 4))), slide_input("B", features((0, 6), (0, 8))))
    result = score(toy, CaseInputs(CASE, both), "0.0")
    assert result.score.log_risk == pytest.approx(0.5 * (5 - 1) / 2)
    total = sum(load_tensors(data)["attention"].sum() for data in result.attention.values())
    assert total == pytest.approx(1)
    assert {slide.attention_key for slide in result.score.slides} == set(result.attention)


def test_a_bag_that_two_slides_share_counts_once(toy: Bundle) -> None:
    rows = features((0, 2), (0, 4))
    twice = scored(toy, slide_input("A", rows), slide_input("B", rows), slide_input("C", features((0, 9))))
    once = scored(toy, slide_input("A", rows), slide_input("C", features((0, 9))))
    assert twice.log_risk == once.log_risk
    assert twice.score_id != once.score_id  # it names another set of slides


def test_top_tiles_are_the_most_attended_highest_first(toy: Bundle) -> None:
    (slide,) = scored(toy, slide_input("A", features((0, 1), (2, 1), (1, 1)))).slides
    assert [tile.y_px for tile in slide.top_tiles] == [256, 512, 0]


def test_tiles_of_equal_attention_are_in_no_order(toy: Bundle) -> None:
    (slide,) = scored(toy, slide_input("A", features((1, 1), (1, 3)))).slides
    assert (list(slide.top_tiles), bool(slide.attention_key)) == ([], True)


def test_remarks_on_quality_are_the_plans_and_what_decoding_showed(toy: Bundle) -> None:
    clean, harmed = slide_input("A", features((0, 1))), slide_input("B", features((0, 1)))
    harmed.embedded.ledger.corrupt = 1
    flags = {slide.slide_id: slide.qc_flags for slide in scored(toy, clean, harmed).slides}
    assert flags == {"A": ["pen_ink"], "B": ["corrupt_tiles", "pen_ink"]}


def test_a_slide_whose_plan_counts_nothing_is_not_called_checked(toy: Bundle) -> None:
    slide = slide_input("A", features((0, 1)))
    imported = replace(slide, plan=PlanFacts(slide=slide.plan.slide, tile_width_px=256, tile_height_px=256))
    assert scored(toy, imported).slides[0].qc_flags == ["quality_not_checked"]


def test_resolutions_that_disagree_are_a_remark_that_names_each_with_its_source(toy: Bundle) -> None:
    slide = slide_input("A", features((0, 1)))
    other = OtherResolution(mpp_x=0.6, mpp_y=0.6, source="ome.PhysicalSize")
    facts = slide.plan.slide.model_copy(update={"mpp_contradicted_by": (other,)})
    conflicting = replace(slide, plan=slide.plan.model_copy(update={"slide": facts}))
    (remark,) = scored(toy, conflicting).remarks
    assert (remark.code, remark.slide_id) == ("resolution_conflict", "A")
    assert "0.5 x 0.5 um/px (openslide.mpp-x), but states 0.6 x 0.6 um/px (ome.PhysicalSize)" in remark.sentence
    assert not scored(toy, slide).remarks


def test_a_slide_without_tiles_leaves_the_case_without_a_risk_of_slides(toy: Bundle) -> None:
    result = scored(toy, slide_input("A", features()), clinical=record(stage="M0", group="G3"))
    assert result.model == "clinical_molecular"
    assert result.slides[0].attention_key == ""


def test_bags_of_another_encoder_are_refused(toy: Bundle) -> None:
    with pytest.raises(EncoderMismatchError, match="was embedded by toy-encoder eeeeeeeeeeee") as caught:
        scored(toy, slide_input("A", features((0, 1)), encoder="e" * 64))
    assert caught.value.reason == "encoder_mismatch"


def test_bags_of_another_width_are_refused(toy: Bundle) -> None:
    with pytest.raises(EncoderMismatchError, match="3 features a tile"):
        scored(toy, slide_input("A", np.zeros((2, 3), np.float32)))


def test_the_same_inputs_give_the_same_bytes_whatever_the_order_of_slides(toy: Bundle) -> None:
    slides = (slide_input("A", features((0, 2), (0, 4))), slide_input("B", features((0, 6))))
    first, second = scored(toy, *slides, clinical=record(stage="M1")), scored(toy, *slides, clinical=record(stage="M1"))
    assert to_bytes(first) == to_bytes(second)
    assert scored(toy, *reversed(slides)).log_risk == scored(toy, *slides).log_risk


def test_the_bytes_are_canonical_json_with_the_protos_names(toy: Bundle) -> None:
    data = to_bytes(scored(toy, slide_input("A", features((0.1, 1 / 3)))))
    parsed = json.loads(data)
    assert json.dumps(parsed, sort_keys=True, separators=(",", ":")).encode() == data
    assert parsed["notice"] == NOTICE
    assert parsed["abstained"] is False
    assert len(f"{parsed['log_risk']}".lstrip("-0.")) <= 6


def test_a_simulated_bundle_or_record_marks_the_score(toy: Bundle, tmp_path: Path) -> None:
    bundle = load(write_bundle(tmp_path / "other", entries={"simulated": True}))
    assert scored(bundle, clinical=record(stage="M0")).simulated
    assert not scored(toy, clinical=record(stage="M0")).simulated
    assert scored(toy, clinical=ClinicalRecord(Sha256("c" * 64), {"stage": "M0"}, simulated=True)).simulated


def test_calibration_moves_estimate_and_interval(tmp_path: Path) -> None:
    moved = {**parts()["calibration.json"], "arms": {"clinical": {"3": {"intercept": float(np.log(2)), "slope": 1}}}}
    bundle = load(write_bundle(tmp_path / "b", {"calibration.json": moved}))
    plain = risk_of(0.8 * 0.75, 3)
    result = scored(bundle, clinical=record(stage="M1"))
    assert result.risks[0].risk == pytest.approx(1 - (1 - plain) ** 2, rel=1e-5)
    assert result.risks[1].risk == pytest.approx(risk_of(0.8 * 0.75, 5), rel=1e-5)
    assert result.risks[0].lo <= result.risks[0].risk <= result.risks[0].hi
