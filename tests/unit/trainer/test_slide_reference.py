"""Where single slides of the training cohort lie, and what is found with it; pixels are of the demo's CC0 slide."""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import openslide
import pytest

from services.standalone.demo_case import DEMO, DEMO_BUNDLE
from services.tiler.ports import Overview
from services.tiler.staining import stain_colours
from services.tiler.tissue import TissueRules, find_tissue
from services.trainer.bundle.slide_reference import SlideMeasures, shares_of_limit, slide_reference
from shared.canonical import canonical_json
from shared.model.bundle import load
from shared.model.reference import Reference, SlideReference
from tests.studies.stains import STAINS

Pixels = npt.NDArray[np.uint8]
SHRINK = 16
"""From the slide's pixels to the overview's."""


@cache
def whole() -> Pixels:
    with openslide.OpenSlide(DEMO / "cmu-1-small-region.svs") as opened:
        return np.asarray(opened.read_region((0, 0), 0, opened.dimensions).convert("RGB"), np.uint8)


def colours(pixels: Pixels) -> tuple[float, ...]:
    """As the planner measures them."""
    size = (pixels.shape[1] // SHRINK, pixels.shape[0] // SHRINK)
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    seen = find_tissue(Overview(small, np.ones(small.shape[:2], np.bool_)), TissueRules())
    return stain_colours(small, seen.tissue)


def region(rng: np.random.Generator) -> Pixels:
    """A piece of tissue, stained a little more or less than the slide."""
    x, y = rng.integers(0, 2220 - 1024), rng.integers(600, 2967 - 1024)
    density = np.log(255 / np.maximum(whole()[y : y + 1024, x : x + 1024].astype(np.float64), 1))
    tinted = 255 * np.exp(-density * np.exp(0.08 * rng.normal(size=3)))
    return np.asarray(np.clip(np.round(tinted), 0, 255), np.uint8)


def measures(seed: int, slides: int, stain: str = "") -> SlideMeasures:
    rng = np.random.default_rng(seed)
    pieces = [region(rng) for _ in range(slides)]
    measured = [colours(STAINS[stain](piece, rng) if stain else piece) for piece in pieces]
    return SlideMeasures([str(i) for i in range(slides)], rng.normal(size=(slides, 8)), np.array(measured))


@cache
def reference() -> SlideReference:
    reference = slide_reference(measures(1, 50))
    assert reference is not None
    return reference


@pytest.mark.parametrize("stain", ["DAB", "counterstain only", "PAS", "Masson"])
def test_slides_of_another_stain_are_found(stain: str) -> None:
    far = shares_of_limit(reference(), measures(2, 20, stain))
    assert (far > 1).mean() >= 0.95


def test_slides_of_the_same_stain_are_not() -> None:
    assert (shares_of_limit(reference(), measures(3, 40)) > 1).mean() < 0.05


def test_a_reference_measures_the_same_after_it_was_written_and_read() -> None:
    slides = measures(4, 5)
    written = canonical_json(Reference(slides=reference()).as_json())
    read = Reference.model_validate_json(written).slides
    assert read is not None
    assert shares_of_limit(read, slides) == pytest.approx(shares_of_limit(reference(), slides), rel=1e-4)


def test_slides_of_a_patient_are_left_out_together() -> None:
    """Each patient's slides are alike and unlike all others': left out one by one, none would look far."""
    rng = np.random.default_rng(5)
    means = np.repeat(rng.normal(size=(25, 12)), 4, axis=0)
    cases = [str(i // 4) for i in range(100)]
    together = slide_reference(SlideMeasures(cases, means, np.zeros((100, 0))))
    one_by_one = slide_reference(SlideMeasures([str(i) for i in range(100)], means, np.zeros((100, 0))))
    assert together is not None
    assert one_by_one is not None
    assert together.embedding.limits.abstain > one_by_one.embedding.limits.abstain
    assert together.colours is None


def test_few_patients_make_no_reference() -> None:
    assert slide_reference(SlideMeasures(["a"] * 50, np.zeros((50, 4)), np.zeros((50, 0)))) is None


def test_the_demo_bundle_leaves_out_the_demo_slide_stained_for_dab() -> None:
    slides = load(Path(DEMO_BUNDLE)).reference.slides
    assert slides is not None
    assert slides.colours is not None
    limits = slides.colours.limits
    brown = STAINS["DAB"](whole(), np.random.default_rng(1))
    own, other = slides.colours.distances(np.array([colours(whole()), colours(brown)]))
    assert own < limits.flag
    assert other > limits.abstain
