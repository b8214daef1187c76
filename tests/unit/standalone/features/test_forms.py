"""Older forms of the tools' files, and those of torch.save, become the same bags; a second run reads nothing again."""

import csv
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from services.standalone.features.stated import Stated, StatedEncoder
from services.standalone.features.tool import Unit
from tests.support.feature_files import (
    H5,
    MPP,
    TILE_PX,
    TILE_UM,
    clam,
    clam_patches,
    features,
    grid,
    import_here,
    stamp,
    trident,
)

STATED = Stated(StatedEncoder("resnet50_trunc"), mpp=MPP)


def bag(out: Path) -> dict[str, object]:
    """Places and features of the only bag of an import, as lists."""
    with (out / "index.csv").open() as table:
        (row,) = csv.DictReader(table)
    return {name: values.tolist() for name, values in load_file(out / row["path"]).items()}


EXPECTED = {"coords": grid(12).tolist(), "features": features(12).tolist()}


def test_files_of_older_trident_have_one_more_axis(tmp_path: Path) -> None:
    newer = trident(encoder="None")
    older = H5({name: array[None] for name, array in newer.arrays.items()}, of_arrays=newer.of_arrays)
    older.write(tmp_path / "in/a.h5")
    import_here(tmp_path / "in", tmp_path / "emb", STATED)
    assert bag(tmp_path / "emb") == EXPECTED


def test_files_of_the_first_stamp_count_pixels_of_the_tile(tmp_path: Path) -> None:
    coords = grid(12) * MPP / TILE_UM * 224
    arrays = {"feats": stamp().arrays["feats"], "coords": coords}
    H5(arrays, {"extractor": "resnet50-trunc-1a2b3c4d"}).write(tmp_path / "in/a.h5")
    stated = replace(STATED, unit=Unit.TILE, tile_px=224, tile_um=TILE_UM)
    import_here(tmp_path / "in", tmp_path / "emb", stated)
    assert bag(tmp_path / "emb") == EXPECTED


@pytest.mark.parametrize("with_coords", [True, False])
def test_files_of_torch_take_coordinates_of_their_own_or_of_patches(tmp_path: Path, *, with_coords: bool) -> None:
    torch = pytest.importorskip("torch")
    (tmp_path / "in").mkdir()
    tensor = torch.from_numpy(features(12))
    stored = {"features": tensor, "coords": torch.from_numpy(grid(12))} if with_coords else tensor
    torch.save(stored, tmp_path / "in/a.pt")
    clam_patches().write(tmp_path / "patches/a.h5")
    stated = replace(STATED, unit=Unit.LEVEL0, tile_px=TILE_PX, tile_um=TILE_UM)
    import_here(
        tmp_path / "in", tmp_path / "emb", stated if with_coords else replace(STATED, patches=tmp_path / "patches")
    )
    assert bag(tmp_path / "emb") == EXPECTED


def test_a_second_run_gives_the_same_tables_without_reading_the_files(tmp_path: Path) -> None:
    path = clam().write(tmp_path / "in/a.h5")
    clam_patches().write(tmp_path / "patches/a.h5")
    stated = replace(STATED, patches=tmp_path / "patches")
    first, stat = import_here(tmp_path / "in", tmp_path / "emb", stated), path.stat()
    path.write_bytes(bytes(stat.st_size))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    second = import_here(tmp_path / "in", tmp_path / "emb", stated)
    assert second == first
    assert bag(tmp_path / "emb") == EXPECTED


def test_a_second_run_makes_a_bag_again_that_is_gone(tmp_path: Path) -> None:
    trident(encoder="None").write(tmp_path / "in/a.h5")
    (reading,) = import_here(tmp_path / "in", tmp_path / "emb", STATED).readings
    shutil.rmtree((tmp_path / "emb" / reading.bag).parent)
    assert list(import_here(tmp_path / "in", tmp_path / "emb", STATED).readings) == [reading]
    assert bag(tmp_path / "emb") == EXPECTED
