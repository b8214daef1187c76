"""Bags and parts as bytes."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load

from services.embedder.bag import BagFacts, Part, decode_part, encode_bag, encode_part
from services.embedder.errors import DamagedChunkError
from shared.canonical import sha256
from shared.tensors import decode_metadata, encode_tensors

FACTS = BagFacts("a" * 64, "b" * 64, "c" * 64, "moments", 256, 128.0)


def part(tiles: list[int], corrupt: list[int], dim: int = 3) -> Part:
    features = np.array([[tile + column / 8 for column in range(dim)] for tile in tiles], np.float16)
    return Part(features.reshape(len(tiles), dim), np.array(tiles, np.int32), np.array(corrupt, np.int32))


@given(tiles=st.sets(st.integers(0, 99)), corrupt=st.sets(st.integers(100, 120)))
def test_a_part_comes_back_as_it_was(tiles: set[int], corrupt: set[int]) -> None:
    before = part(sorted(tiles), sorted(corrupt))
    after = decode_part(encode_part(before))
    assert np.array_equal(before.features, after.features)
    assert (before.tiles.tolist(), before.corrupt.tolist()) == (after.tiles.tolist(), after.corrupt.tolist())
    assert (after.features.dtype.name, after.tiles.dtype.name) == ("float16", "int32")


@pytest.mark.parametrize("data", [b"", b"garbage", encode_tensors({"features": np.zeros((1, 2), np.float16)})])
def test_bytes_that_are_no_part_are_not_believed(data: bytes) -> None:
    with pytest.raises(DamagedChunkError):
        decode_part(data)


def test_how_a_slide_was_cut_into_parts_does_not_show_in_its_bag() -> None:
    coords = np.arange(12, dtype=np.int32).reshape(6, 2)
    whole = encode_bag([part([0, 1, 3, 5], [2, 4])], coords, FACTS)
    many = encode_bag([part([0, 1], []), part([3], [2]), part([], [4]), part([5], [])], coords, FACTS)
    assert whole == many
    assert load(whole)["coords"].tolist() == [[0, 1], [2, 3], [6, 7], [10, 11]]
    assert (decode_metadata(whole)["tiles"], decode_metadata(whole)["corrupt"]) == ("4", "2")


def test_a_bag_has_the_same_bytes_in_every_process() -> None:
    program = (
        "import numpy as np\nfrom shared.canonical import sha256\nfrom shared.tensors import encode_tensors\n"
        "names = {f'k{i}': str(i) for i in range(9)}\n"
        "print(sha256(encode_tensors({'b': np.ones((2, 3), np.float16), 'a': np.ones(4, np.int32)}, names)))"
    )
    names = {f"k{i}": str(i) for i in range(9)}
    here = sha256(encode_tensors({"a": np.ones(4, np.int32), "b": np.ones((2, 3), np.float16)}, names))
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert there.stdout.strip() == here
