"""Exported files are read as the tools read them: their loaders' expectations, expressed again.

TRIDENT: `read_coords` and `extract_slide_features`; CLAM: `Whole_Slide_Bag_FP` and `Generic_MIL_Dataset`;
STAMP: `get_coords` and `_read_h5`. Names, types, chunks and attributes are compared with what their writers leave.
"""

from pathlib import Path

import h5py
import numpy as np
import pytest

from services.standalone.features.tool import Tool
from tests.support.command_line import AT_FAULT, medulla, printed
from tests.support.feature_files import (
    MPP,
    SHIPPED,
    SIDE_PX,
    TILE_PX,
    TILE_UM,
    grid,
    stamp,
    trident,
    write_embeddings,
)

TILES = 23


@pytest.fixture
def embeddings(tmp_path: Path) -> Path:
    return write_embeddings(tmp_path / "emb", {("C-1", "A.svs"): TILES, ("C-2", "A.svs"): TILES + 1})


def exported(embeddings: Path, tool: Tool) -> Path:
    out = embeddings.parent / tool
    assert printed("export-features", embeddings, "--as", tool, "--out", out)["written"] == 2
    return out


def attributes(file: h5py.File, name: str) -> dict[str, type]:
    return {key: type(value) for key, value in file[name].attrs.items()}


def test_trident_finds_tiles_at_their_magnification(embeddings: Path, tmp_path: Path) -> None:
    out = exported(embeddings, Tool.TRIDENT)
    path = out / f"20x_{TILE_PX}px_0px_overlap/features_{SHIPPED.name}/C-1_A.svs.h5"
    written = trident().write(tmp_path / "trident.h5")
    with h5py.File(path) as file, h5py.File(written) as theirs:
        coords, stated = file["coords"][:], dict(file["coords"].attrs)
        assert attributes(file, "coords").keys() == attributes(theirs, "coords").keys()
        assert attributes(file, "features") == attributes(theirs, "features")
        assert (coords == grid(TILES)).all()
        assert (file["features"].shape, file["features"].chunks) == ((TILES, SHIPPED.dim), (1, SHIPPED.dim))
        assert file["features"].dtype == np.float32
    shrink = (10 / stated["target_magnification"]) / (10 / stated["level0_magnification"])
    assert stated["patch_size"] * shrink == pytest.approx(stated["patch_size_level0"], abs=1)
    assert (int(stated["patch_size_level0"]), stated["overlap"]) == (SIDE_PX, 0)


def test_clam_reads_features_by_slide_and_regions_by_patches(embeddings: Path) -> None:
    out = exported(embeddings, Tool.CLAM)
    with h5py.File(out / "patches/C-1_A.svs.h5") as file:
        coords, stated = file["coords"], file["coords"].attrs
        region = coords[3], stated["patch_level"], (stated["patch_size"],) * 2
        assert (region[0] == grid(TILES)[3]).all()
        assert region[1:] == (0, (SIDE_PX, SIDE_PX))
        assert tuple(stated["downsample"]) == (1.0, 1.0)
    with h5py.File(out / "h5_files/C-1_A.svs.h5") as file:
        features, coords = file["features"][:], file["coords"][:]
        assert (features.dtype, coords.dtype, len(features)) == (np.float32, np.int32, len(coords))
        assert (file["features"].chunks, file["features"].maxshape) == ((32, SHIPPED.dim), (None, SHIPPED.dim))
        assert not file["coords"].attrs


def test_stamp_reads_coordinates_in_microns_and_the_extractor(embeddings: Path, tmp_path: Path) -> None:
    out = exported(embeddings, Tool.STAMP)
    written = stamp().write(tmp_path / "stamp.h5")
    with h5py.File(out / SHIPPED.name / "C-1_A.svs.h5") as file, h5py.File(written) as theirs:
        assert attributes(file, "/") == attributes(theirs, "/")
        assert (file.attrs["extractor"], file.attrs["unit"], file.attrs["feat_type"]) == (SHIPPED.name, "um", "tile")
        assert (file.attrs["tile_size_um"], file.attrs["tile_size_px"]) == (TILE_UM, TILE_PX)
        assert file["feats"].dtype == np.float16
        assert file["coords"].dtype == np.float32
        assert np.allclose(file["coords"][:], grid(TILES) * MPP)
    assert (out / "slide_table.csv").read_text().splitlines()[1] == "C-1,C-1_A.svs.h5"


def test_a_bag_that_says_no_resolution_is_left_out_unless_it_is_stated(embeddings: Path) -> None:
    for plan in embeddings.glob("plans/*/*/plan.json"):
        plan.unlink()
    arguments = ("export-features", embeddings, "--as", "stamp", "--out", embeddings.parent / "out")
    done = medulla(*arguments)
    assert (done.exit_code, "state --mpp" in " ".join(done.stderr.split())) == (AT_FAULT, True)
    assert medulla(*arguments, "--mpp", MPP).exit_code == 0
