"""Distances from a training distribution, small enough to count by hand."""

import numpy as np
import pytest
from pydantic import ValidationError

from shared.model.reference import ColourDistribution, EmbeddingDistribution, Limits, NumericReference

EMBEDDINGS = EmbeddingDistribution.model_validate(
    {"mean": [1, 0, 0], "axes": [[1, 0, 0], [0, 1, 0]], "spread": [2, 1], "residual": 0.5}
)
MEANS = np.array([[1.0, 0.0, 0.0], [3.0, 0.0, 0.0], [1.0, 0.0, 2.0]])


def test_a_case_is_as_far_as_its_standardised_parts_on_average() -> None:
    assert EMBEDDINGS.case_distances(MEANS) == pytest.approx([0, np.sqrt(1 / 3), np.sqrt(16 / 3)])


def test_a_slide_is_as_far_as_the_larger_of_its_parts_along_the_axes_and_off_them() -> None:
    assert EMBEDDINGS.slide_distances(MEANS) == pytest.approx([0, np.sqrt(1 / 2), 4])


def test_colours_are_whitened() -> None:
    colours = ColourDistribution.model_validate({"mean": [0.5, 0.2], "whitening": [[10, 0], [5, 10]]})
    assert colours.distances(np.array([[0.5, 0.2], [0.7, 0.2]])) == pytest.approx([0, np.sqrt((4 + 1) / 2)])


def test_numbers_are_measured_in_standard_deviations() -> None:
    ages = NumericReference(mean=8, spread=4, limits=Limits(flag=3, abstain=5))
    assert ages.distances(np.array([8.0, 0.0, 20.0])).tolist() == [0, 2, 3]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"mean": [0, 0]}, "differ in the width"),
        ({"axes": [[1, 0, 0]]}, "another number of axes"),
        ({"axes": []}, "differ in the width"),
        ({"axes": [[1, 0, 0], [0, 1]]}, "rows differ in length"),
        ({"spread": [1, 0]}, "not above 0"),
        ({"mean": [0, 0, float("nan")]}, "finite"),
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(change: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        EmbeddingDistribution.model_validate(EMBEDDINGS.model_dump() | change)
