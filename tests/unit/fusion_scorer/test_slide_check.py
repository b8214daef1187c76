"""Slides unlike the training cohort's are found one by one, left out, and named."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medulla.v1.scorer_pb2 import Score

from services.fusion_scorer.inputs import CaseInputs, SlideInput
from services.fusion_scorer.score import score
from services.fusion_scorer.slide_check import check_slides
from shared.model.bundle import Bundle, load
from shared.model.errors import BadBundleError
from shared.model.record import ClinicalRecord
from shared.model.reference import SlideReference
from shared.units import CaseId, Sha256
from tests.support.fusion import features, parts, slide_input, write_bundle

CASE = CaseId("MB-1")
RECORD = ClinicalRecord(Sha256("c" * 64), {"stage": "M1", "group": "G3"})
REFERENCE: dict[str, Any] = {
    "embedding": {"mean": [0, 0], "axes": [[1, 0]], "spread": [1], "residual": 9, "limits": {"flag": 3, "abstain": 6}},
    "colours": {"mean": [0.5, 0.2], "whitening": [[10, 0], [0, 10]], "limits": {"flag": 2, "abstain": 4}},
}
GOOD, FAR = features((0, 2), (0, 4)), features((8, 2), (8, 4))
PINK, BROWN = (0.5, 0.2), (0.5, 0.9)


def bundle_of(folder: Path, **rule: Any) -> Bundle:
    reference = parts()["reference.json"] | {"slides": REFERENCE | rule}
    return load(write_bundle(folder / "bundle", {"reference.json": reference}))


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return bundle_of(tmp_path)


def stained(slide: SlideInput, *colours: float) -> SlideInput:
    return replace(slide, plan=slide.plan.model_copy(update={"colours": colours}))


def scored(bundle: Bundle, *slides: SlideInput, clinical: ClinicalRecord | None = RECORD) -> Score:
    return score(bundle, CaseInputs(CASE, slides, clinical), "0.0").score


@pytest.mark.parametrize(
    ("odd", "what", "value"),
    [
        (slide_input("B", FAR), "mean embedding", 8.0),
        (stained(slide_input("B", features((0, 9))), *BROWN), "staining", 4.95),
    ],
)
def test_a_slide_beyond_the_limit_is_left_out_and_named(
    bundle: Bundle, odd: SlideInput, what: str, value: float
) -> None:
    good = stained(slide_input("A", GOOD), *PINK)
    without, result = scored(bundle, good), scored(bundle, good, odd)
    assert (result.log_risk, result.risks[0], result.model) == (without.log_risk, without.risks[0], without.model)
    assert [slide.slide_id for slide in result.provenance.slides] == ["A"]
    (left_out,) = result.left_out
    assert (left_out.slide_id, left_out.reason) == ("B", "out_of_distribution")
    assert left_out.sentence.startswith(f"The {what} of slide B lies {value:.3g} from the slides")
    (remark,) = result.remarks
    assert (remark.code, remark.slide_id) == ("out_of_distribution", "B")
    shown = {slide.slide_id: slide for slide in result.slides}
    assert shown["B"].out_of_distribution.flagged
    assert shown["B"].out_of_distribution.distance == pytest.approx(value, rel=1e-3)
    assert not shown["A"].out_of_distribution.flagged
    assert (shown["B"].attention_key, len(shown["B"].top_tiles)) == ("", 0)
    assert shown["A"].attention_key
    assert not result.abstained


def test_a_slide_between_the_limits_is_flagged_and_used(bundle: Bundle) -> None:
    result = scored(bundle, slide_input("A", features((4, 2))))
    assert result.slides[0].out_of_distribution.flagged
    assert not result.left_out
    assert [slide.slide_id for slide in result.provenance.slides] == ["A"]


def test_a_case_without_one_good_slide_abstains_and_says_why(bundle: Bundle) -> None:
    result = scored(bundle, slide_input("B", FAR))
    assert result.abstained
    assert result.abstained_reason.startswith("Out of distribution: the mean embedding of slide B lies 8 from")
    assert result.out_of_distribution.flagged
    assert [slide.slide_id for slide in result.left_out] == ["B"]
    assert not result.risks


def test_by_another_rule_such_a_case_is_scored_by_what_else_is_known(tmp_path: Path) -> None:
    result = scored(bundle_of(tmp_path, none_left="other_models"), slide_input("B", FAR))
    assert (result.model, list(result.modalities_missing)) == ("clinical_molecular", ["slides"])
    assert [slide.slide_id for slide in result.left_out] == ["B"]


def test_by_another_rule_one_such_slide_makes_the_case_abstain(tmp_path: Path) -> None:
    assert scored(bundle_of(tmp_path, beyond="abstain"), slide_input("A", GOOD), slide_input("B", FAR)).abstained


def test_a_bundle_without_the_reference_measures_no_slide(tmp_path: Path) -> None:
    result = scored(load(write_bundle(tmp_path / "old")), stained(slide_input("A", GOOD), *BROWN))
    assert not result.slides[0].HasField("out_of_distribution")
    assert not result.left_out


@pytest.mark.parametrize("colours", [(), (0.5, 0.2, 0.1)])
def test_colours_of_another_planner_are_not_compared(bundle: Bundle, colours: tuple[float, ...]) -> None:
    assert not scored(bundle, stained(slide_input("A", GOOD), *colours)).left_out


def test_a_slide_without_tiles_is_left_as_it_is(bundle: Bundle) -> None:
    result = scored(bundle, slide_input("A", features()))
    assert not result.left_out
    assert not result.slides[0].HasField("out_of_distribution")


@given(st.lists(st.tuples(st.floats(-20, 20), st.floats(0, 1)), max_size=8))
def test_every_slide_is_used_or_named(slides: list[tuple[float, float]]) -> None:
    reference = SlideReference.model_validate_json(json.dumps(REFERENCE))
    given_ones = [stained(slide_input(str(i), features((x, 1))), 0.5, c) for i, (x, c) in enumerate(slides)]
    checked = check_slides(reference, given_ones)
    used, left_out = [slide.slide_id for slide in checked.used], [slide.slide_id for slide in checked.left_out]
    assert sorted([*used, *left_out]) == sorted(slide.slide_id for slide in given_ones)
    assert all(checked.distances[slide].too_far for slide in left_out)
    assert (checked.too_far is not None) == bool(left_out and not used)


@pytest.mark.parametrize(
    ("entry", "change", "why"),
    [
        ("colours", {"whitening": [[1, 0]]}, "do not fit each other"),
        ("embedding", {"mean": [0, 0, 0]}, "width of an embedding"),
    ],
)
def test_parts_that_do_not_fit_are_refused(tmp_path: Path, entry: str, change: dict[str, Any], why: str) -> None:
    with pytest.raises(BadBundleError, match=why):
        bundle_of(tmp_path, **{entry: REFERENCE[entry] | change})
