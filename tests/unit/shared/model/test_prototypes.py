"""Prototypes of a bundle: which tile belongs to which, and files that are refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shared.model.bundle import load
from shared.model.errors import BadBundleError
from shared.model.prototypes import PROTOTYPES, Prototypes, read_prototypes
from tests.support.fusion import features, mil, prototypes, with_prototypes, write_bundle


def test_a_tile_belongs_to_the_nearest_prototype_and_of_equally_near_ones_to_the_first() -> None:
    members = prototypes().nearest(features((0, 1), (0, 3), (0, 2), (9, 3)))
    assert members.dtype == np.uint8
    assert members.tolist() == [0, 1, 0, 1]
    assert prototypes().shares_of(members).tolist() == [0.5, 0.5]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    read = load(write_bundle(tmp_path, with_prototypes())).prototypes
    assert read is not None
    assert read.as_bytes() == prototypes().as_bytes()


def test_a_bundle_without_prototypes_is_whole(tmp_path: Path) -> None:
    assert load(write_bundle(tmp_path)).prototypes is None


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (replace(prototypes(), shares=np.zeros(3)), "shapes do not fit"),
        (replace(prototypes(), shares=np.array([0.5, 1.5])), "values that cannot be"),
        (replace(prototypes(), hazard_ratios=np.array([[1.0, 2.0, 3.0]] * 2)), "values that cannot be"),
        (replace(prototypes(), centres=features((0, np.inf), (0, 1))), "values that cannot be"),
        (Prototypes(features(*[(0, 0)] * 17), np.zeros(17), np.ones((17, 3))), "17 prototypes; 1 to 16"),
    ],
)
def test_arrays_that_cannot_be_are_refused(wrong: Prototypes, problem: str) -> None:
    with pytest.raises(BadBundleError, match=problem):
        read_prototypes(wrong.as_bytes())


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({PROTOTYPES: b"no"}, "is not understood"),
        ({"mil.onnx": mil()}, r"no mil\.onnx that gives projected"),
        ({PROTOTYPES: replace(prototypes(), centres=np.zeros((2, 3), np.float32)).as_bytes()}, "number of axes"),
    ],
)
def test_a_bundle_whose_prototypes_do_not_fit_is_refused(tmp_path: Path, files: dict[str, bytes], problem: str) -> None:
    with pytest.raises(BadBundleError, match=problem):
        load(write_bundle(tmp_path, {**with_prototypes(), **files}))
