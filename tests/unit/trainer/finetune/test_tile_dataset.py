"""Labelled tiles: what is read, and what is refused in one sentence."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.trainer.errors import BadTilesError
from services.trainer.finetune.tile_dataset import decode, read_labelled
from tests.support.finetuning import PX


@pytest.fixture
def copy(tiles: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiles, tmp_path / "copy"))


def resize(path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size).save(path)


def empty_classes(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        path.unlink()


def oblong(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        resize(path, (PX, PX + 4))


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "is no folder"),
    "no classes": (empty_classes, "no folder of a class"),
    "one class": (lambda at: shutil.rmtree(at / "pink"), "holds one class, violet"),
    "no patient": (lambda at: (at / "pink/P0__0.png").rename(at / "pink/P0-0.png"), "P0-0.png: the name does not"),
    "nameless": (lambda at: (at / "pink/P0__0.png").rename(at / "pink/__0.png"), "the name does not begin"),
    "no picture": (lambda at: (at / "pink/P0__0.png").write_bytes(b"text"), "P0__0.png cannot be read: no picture"),
    "empty": (lambda at: (at / "pink/P0__0.png").write_bytes(b""), "cannot be read"),
    "cut short": (lambda at: (at / "pink/P0__0.png").write_bytes((at / "pink/P0__0.png").read_bytes()[:600]), "cannot"),
    "two sizes": (lambda at: resize(at / "violet/P1__0.png", (64, 64)), "differ in size: .*32 x 32 px.*64 x 64"),
    "oblong": (oblong, "must be square"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_tiles_are_refused_with_the_place_and_the_reason(copy: Path, name: str) -> None:
    spoil, sentence = BAD[name]
    spoil(copy)
    with pytest.raises(BadTilesError, match=sentence) as caught:
        read_labelled(copy)
    assert caught.value.reason == "bad_tiles"
    assert "\n" not in str(caught.value)


def test_tiles_are_read_with_class_and_patient_and_a_digest_of_their_bytes(copy: Path) -> None:
    labelled = read_labelled(copy)
    assert labelled.classes == ("pink", "violet")
    assert np.bincount(labelled.label).tolist() == [18, 18]
    assert {item.patient for item in labelled.items} == {f"P{i}" for i in range(6)}
    assert read_labelled(copy).digest == labelled.digest
    resize(copy / "pink/P0__0.png", (PX, PX))
    assert read_labelled(copy).digest != labelled.digest


def test_a_tile_is_resized_to_what_the_encoder_takes(tmp_path: Path) -> None:
    resize(tmp_path / "tile.png", (64, 64))
    assert decode(tmp_path / "tile.png", PX).shape == (PX, PX, 3)
    with pytest.raises(BadTilesError, match="cannot be read"):
        decode(tmp_path / "absent.png", PX)
