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
from services.embedder.manifest import MANIFEST_FILE, MODEL_FILE, read_manifest, read_model
from services.embedder.shipped_encoder import DEFAULT_ENCODER


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
