"""An encoder is loaded only when it is the one its manifest describes."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.embedder.errors import EncoderAlteredError, UnknownEncoderError
from services.embedder.export import EncoderCard, wrap_encoder
from services.embedder.graph import Preparation
from services.embedder.known_tile import check
from services.embedder.manifest import (
    DATA_FILE,
    MANIFEST_FILE,
    MAX_DATA_BYTES,
    MODEL_FILE,
    EncoderManifest,
    file_digest,
    read_manifest,
    read_model,
)
from services.embedder.onnx_encoder import OnnxEncoder
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from tests.support.networks import small_network, weights_outside

_CARD = EncoderCard("small", "2", "tests", "Apache-2.0", "Nobody's.\n", tile_px=16, tile_um=8.0)
_RAW = Preparation(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


def altered(folder: Path, **changes: Any) -> Path:
    """A folder with the default encoder's manifest, changed; None takes a field away."""
    manifest = json.loads((DEFAULT_ENCODER / MANIFEST_FILE).read_text()) | changes
    (folder / MANIFEST_FILE).write_text(json.dumps({k: v for k, v in manifest.items() if v is not None}))
    return folder


def test_the_encoder_that_ships_says_what_it_is_and_whose() -> None:
    manifest = read_manifest(DEFAULT_ENCODER)
    assert (manifest.name, manifest.licence) == ("efficientnet_lite0", "Apache-2.0")
    assert (manifest.input_px, manifest.tile_um, manifest.um_per_px, manifest.dim) == (256, 128.0, 0.5, 1280)
    assert "ImageNet" in (DEFAULT_ENCODER / "NOTICE").read_text()
    read_model(DEFAULT_ENCODER, manifest)


@given(at=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_one_altered_byte_of_the_model_is_a_digest_mismatch(
    tmp_path_factory: pytest.TempPathFactory, at: float, flip: int
) -> None:
    folder = altered(tmp_path_factory.mktemp("encoder"))
    model = bytearray((DEFAULT_ENCODER / MODEL_FILE).read_bytes())
    model[int(at * len(model))] ^= flip
    (folder / MODEL_FILE).write_bytes(model)
    with pytest.raises(EncoderAlteredError) as refused:
        read_model(folder, read_manifest(folder))
    (folder / MODEL_FILE).unlink()
    assert refused.value.reason == "digest_mismatch"


def test_a_folder_without_an_encoder_is_an_unknown_encoder(tmp_path: Path) -> None:
    with pytest.raises(UnknownEncoderError, match="no encoder at") as refused:
        read_manifest(tmp_path)
    assert refused.value.reason == "unknown_encoder"


def test_a_manifest_without_its_model_is_an_unknown_encoder(tmp_path: Path) -> None:
    shutil.copy(DEFAULT_ENCODER / MANIFEST_FILE, tmp_path)
    with pytest.raises(UnknownEncoderError, match="has no model"):
        read_model(tmp_path, read_manifest(tmp_path))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"digest": "abc"}, "digest"),
        ({"name": "../up"}, "name"),
        ({"dim": 0}, "dim"),
        ({"input_px": None}, "input_px"),
        ({"um_per_px": 0.25}, "um_per_px times input_px"),
        ({"tile_um": "wide"}, "tile_um"),
        ({"licence": ""}, "licence"),
        ({"surprise": 1}, "surprise"),
        ({"known_answer": None}, "known_answer"),
    ],
)
def test_a_manifest_that_is_not_valid_is_refused_by_field(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(UnknownEncoderError, match=named):
        read_manifest(altered(tmp_path, **changes))


def test_a_manifest_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / MANIFEST_FILE).write_text("{")
    with pytest.raises(UnknownEncoderError, match="not valid"):
        read_manifest(tmp_path)


def _twice(path: Path) -> None:
    path.write_bytes(path.read_bytes().rstrip()[:-1] + b', "name": "other"}')


def _piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _linked(path: Path) -> None:
    path.symlink_to(path.rename(path.with_suffix(".elsewhere")))


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        (MANIFEST_FILE, _twice, 'it says "name" more than once'),
        (MANIFEST_FILE, _piped, "a pipe or a device"),
        (MANIFEST_FILE, _linked, "it is a link"),
        (MODEL_FILE, _linked, "it is a link"),
        (MODEL_FILE, _piped, "a pipe or a device"),
    ],
)
def test_an_encoder_whose_files_are_ambiguous_or_not_plain_is_refused(
    tmp_path: Path, name: str, change: Callable[[Path], None], sentence: str
) -> None:
    shutil.copy(DEFAULT_ENCODER / MODEL_FILE, altered(tmp_path))
    change(tmp_path / name)
    with pytest.raises(UnknownEncoderError, match=sentence):
        read_model(tmp_path, read_manifest(tmp_path))


def _sealed(folder: Path, location: str = DATA_FILE, **entries: str) -> EncoderManifest:
    """An encoder with its weights in encoder.onnx.data, and digests that fit."""
    manifest = wrap_encoder(small_network(folder / "net.onnx"), _RAW, _CARD, folder)
    weights_outside(folder / MODEL_FILE, location, **entries)
    digests = {"digest": file_digest(folder / MODEL_FILE), "data_digest": file_digest(folder / DATA_FILE)}
    sealed = manifest.model_copy(update=digests)
    (folder / MANIFEST_FILE).write_text(sealed.model_dump_json(exclude_none=True))
    return sealed


def test_weights_in_the_encoders_own_file_give_its_known_answer(tmp_path: Path) -> None:
    _sealed(tmp_path)
    check(OnnxEncoder(tmp_path))


@pytest.mark.parametrize(
    ("location", "entries", "sentence"),
    [
        (f"../{DATA_FILE}", {}, "in another file"),
        (f"./{DATA_FILE}", {}, "in another file"),
        ("/etc/passwd", {}, "in another file"),
        (f"{DATA_FILE}\0", {}, "in another file"),
        (DATA_FILE, {"offset": "1000"}, "does not hold"),
        (DATA_FILE, {"offset": "-1"}, "no number"),
        (DATA_FILE, {"length": "1" * 30}, "no number"),
    ],
)
def test_weights_elsewhere_are_refused(tmp_path: Path, location: str, entries: dict[str, str], sentence: str) -> None:
    manifest = _sealed(tmp_path, location, **entries)
    with pytest.raises(UnknownEncoderError, match=sentence):
        read_model(tmp_path, manifest)


@pytest.mark.parametrize(("change", "sentence"), [(_linked, "it is a link"), (_piped, "a pipe or a device")])
def test_a_file_of_weights_that_is_not_plain_is_refused(
    tmp_path: Path, change: Callable[[Path], None], sentence: str
) -> None:
    manifest = _sealed(tmp_path)
    change(tmp_path / DATA_FILE)
    with pytest.raises(UnknownEncoderError, match=sentence):
        read_model(tmp_path, manifest)


def test_a_file_of_weights_beyond_the_bound_is_refused_before_it_is_read(tmp_path: Path) -> None:
    manifest = _sealed(tmp_path)
    os.truncate(tmp_path / DATA_FILE, MAX_DATA_BYTES + 1)
    with pytest.raises(UnknownEncoderError, match="the most that is allowed"):
        read_model(tmp_path, manifest)
