"""Any network that takes images and gives features can become an encoder."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto
from PIL import Image

from services.embedder import known_tile
from services.embedder.default_encoder import CARD, PREPARATION
from services.embedder.errors import UnknownEncoderError
from services.embedder.export import EncoderCard, wrap_encoder
from services.embedder.graph import Preparation, resize_matrix
from services.embedder.manifest import read_manifest
from services.embedder.onnx_encoder import OnnxEncoder
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from shared.preprocessing import Preprocessing
from tests.support.networks import save_unwrapped, small_network, weights_outside

OURS = EncoderCard("small", "2", "tests", "Apache-2.0", "Nobody's.\n", tile_px=16, tile_um=8.0)
RAW = Preparation(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


def tiles(count: int, px: int = 16) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(3).integers(0, 256, (count, px, px, 3), np.uint8)


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("element", [TensorProto.FLOAT, TensorProto.FLOAT16])
def test_pixels_are_normalised_by_channel_whatever_the_layout_and_type(
    tmp_path: Path, layout: Literal["nchw", "nhwc"], element: int
) -> None:
    weights = small_network(tmp_path / "net.onnx", 16, layout, element)
    preparation = Preparation(mean=(10.0, 20.0, 30.0), std=(1.0, 2.0, 4.0), layout=layout)
    wrap_encoder(weights, preparation, OURS, tmp_path / "encoder")
    cut = tiles(3)
    expected = (cut.mean((1, 2)) - [10, 20, 30]) / [1, 2, 4]
    features = OnnxEncoder(tmp_path / "encoder").embed(cut)
    assert features.dtype == np.float32
    assert np.allclose(features, expected, rtol=1e-5 if element == TensorProto.FLOAT else 1e-2)


def test_an_exported_encoder_passes_its_own_check(tmp_path: Path) -> None:
    manifest = wrap_encoder(small_network(tmp_path / "net.onnx"), RAW, OURS, tmp_path / "encoder")
    assert (manifest.name, manifest.dim, manifest.um_per_px) == ("small", 3, 0.5)
    assert read_manifest(tmp_path / "encoder") == manifest
    assert (tmp_path / "encoder" / "NOTICE").read_text() == "Nobody's.\n"
    known_tile.check(OnnxEncoder(tmp_path / "encoder"))


def test_the_same_network_gives_the_same_encoder(tmp_path: Path) -> None:
    weights = small_network(tmp_path / "net.onnx")
    first, second = (wrap_encoder(weights, RAW, OURS, tmp_path / name) for name in ("one", "two"))
    assert first == second


def test_the_same_network_for_tiles_made_another_way_is_another_encoder(tmp_path: Path) -> None:
    weights = small_network(tmp_path / "net.onnx")
    cards = {each: replace(OURS, preprocessing=each) for each in Preprocessing}
    digests = {wrap_encoder(weights, RAW, card, tmp_path / name).digest for name, card in cards.items()}
    assert len(digests) == len(Preprocessing)
    area, dct = (OnnxEncoder(tmp_path / name).embed(tiles(2)) for name in Preprocessing)
    assert np.array_equal(area, dct)


def test_a_network_of_free_size_takes_tiles_at_the_size_that_is_asked_for(tmp_path: Path) -> None:
    weights = small_network(tmp_path / "net.onnx", px="side")
    with pytest.raises(UnknownEncoderError, match="--input-px"):
        wrap_encoder(weights, RAW, OURS, tmp_path / "encoder")
    preparation = Preparation(RAW.mean, RAW.std, model_px=16)
    assert wrap_encoder(weights, preparation, OURS, tmp_path / "encoder").dim == 3


@pytest.mark.parametrize(("output", "sentence"), [("sums", r"not \[1, dim\]"), ("nothing", "has no output 'nothing'")])
def test_an_output_that_is_no_feature_vector_is_refused(tmp_path: Path, output: str, sentence: str) -> None:
    preparation = Preparation(RAW.mean, RAW.std, output=output)
    with pytest.raises(UnknownEncoderError, match=sentence):
        wrap_encoder(small_network(tmp_path / "net.onnx"), preparation, OURS, tmp_path / "encoder")


@pytest.mark.parametrize("content", [b"", b"not a network"])
def test_a_file_that_is_no_network_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(UnknownEncoderError, match=r"net\.onnx"):
        wrap_encoder(tmp_path / "net.onnx", RAW, OURS, tmp_path / "encoder")


def test_weights_beside_the_network_are_taken_into_the_encoder(tmp_path: Path) -> None:
    weights = small_network(tmp_path / "net.onnx")
    whole = wrap_encoder(weights, RAW, OURS, tmp_path / "whole")
    weights_outside(weights, "net.onnx.data")
    manifest = wrap_encoder(weights, RAW, OURS, tmp_path / "encoder")
    assert (manifest.known_answer, manifest.data_digest) == (whole.known_answer, None)


@pytest.mark.parametrize("location", ["../net.onnx.data", "/etc/passwd", "./net.onnx.data", "other.data", ""])
def test_a_network_that_names_another_file_is_refused_before_it_is_loaded(
    tmp_path: Path, location: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = small_network(tmp_path / "net.onnx")
    weights_outside(weights, location)
    monkeypatch.setattr("onnx.load", lambda _: pytest.fail("it was loaded"))
    with pytest.raises(
        UnknownEncoderError, match=r"net\.onnx is no encoder that is read: it has weights .* in another"
    ):
        wrap_encoder(weights, RAW, OURS, tmp_path / "encoder")


def test_weights_behind_a_link_beside_the_network_are_refused(tmp_path: Path) -> None:
    weights = small_network(tmp_path / "net.onnx")
    weights_outside(weights, "net.onnx.data")
    data = tmp_path / "net.onnx.data"
    data.symlink_to(data.rename(tmp_path / "elsewhere"))
    with pytest.raises(UnknownEncoderError, match="it is a link"):
        wrap_encoder(weights, RAW, OURS, tmp_path / "encoder")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownEncoderError, match="cannot read"):
        wrap_encoder(tmp_path / "net.onnx", RAW, OURS, tmp_path / "encoder")


@given(source=st.integers(1, 60), target=st.integers(1, 60))
def test_a_resize_neither_brightens_nor_darkens(source: int, target: int) -> None:
    weights = resize_matrix(target, source)
    assert weights.shape == (target, source)
    assert weights.min() >= 0
    assert np.allclose(weights.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("target", [224, 100, 300])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_the_resize_is_pillows_without_its_rounding(target: int, interpolation: Literal["bilinear", "bicubic"]) -> None:
    channel = known_tile.known_tile(256)[..., 0]
    filters = {"bilinear": (Image.Resampling.BILINEAR, 1e-2), "bicubic": (Image.Resampling.BICUBIC, 2e-2)}
    resampling, rounding = filters[interpolation]
    image = Image.fromarray(channel.astype(np.float32)).resize((target, target), resampling)
    weights = resize_matrix(target, 256, interpolation)
    assert np.allclose(weights @ channel @ weights.T, np.asarray(image), atol=rounding)


def test_the_centre_is_cut_out_after_the_resize(tmp_path: Path) -> None:
    preparation = replace(RAW, model_px=8, resize_px=16)
    wrap_encoder(small_network(tmp_path / "net.onnx"), preparation, OURS, tmp_path / "encoder")
    cut = tiles(2)
    expected = cut[:, 4:12, 4:12].mean((1, 2))
    assert np.allclose(OnnxEncoder(tmp_path / "encoder").embed(cut), expected, rtol=1e-5)


def test_the_encoder_that_ships_is_made_from_its_own_network_again(tmp_path: Path) -> None:
    """Take the wrapping off the encoder that ships, wrap it again: the bytes are the same."""
    save_unwrapped(DEFAULT_ENCODER / "encoder.onnx", 224, tmp_path / "bare.onnx")
    manifest = wrap_encoder(tmp_path / "bare.onnx", PREPARATION, CARD, tmp_path / "encoder")
    shipped = read_manifest(DEFAULT_ENCODER)
    assert manifest.digest == shipped.digest
    assert manifest.known_answer.norm == pytest.approx(shipped.known_answer.norm, rel=1e-4)
    assert manifest.model_copy(update={"known_answer": shipped.known_answer}) == shipped
