"""Folders of embeddings, and feature files as TRIDENT, CLAM and STAMP write them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from services.embedder.bag import BagFacts, Part, encode_bag
from services.embedder.manifest import read_manifest
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.standalone.features.feature_paths import feature_paths
from services.standalone.features.imports import ImportTables, import_features
from services.standalone.features.stated import Stated
from services.trainer.bucket.bags import INDEX_COLUMNS
from shared import keys
from shared.canonical import canonical_json, sha256
from shared.csv_file import write_csv
from shared.units import Sha256
from tests.support.cohorts import quiet

MPP, SIDE_PX, TILE_PX, TILE_UM = 0.2508, 510, 256, 128.0
SHIPPED = read_manifest(DEFAULT_ENCODER)


def grid(tiles: int) -> npt.NDArray[np.int32]:
    """Coordinates [tiles, 2] of rows of five tiles side by side."""
    number = np.arange(tiles, dtype=np.int32)
    return np.stack([number % 5, number // 5], axis=1).astype(np.int32) * SIDE_PX + np.int32(7)


def features(tiles: int, dim: int = 8, seed: int = 1) -> npt.NDArray[np.float32]:
    """Features [tiles, dim] that float16 holds exactly."""
    drawn = np.random.default_rng(seed).normal(size=(tiles, dim))
    return drawn.astype(np.float16).astype(np.float32)


@dataclass(frozen=True)
class H5:
    """What a file is written of; a test changes one of them."""

    arrays: Mapping[str, npt.NDArray[np.generic]]
    of_file: Mapping[str, object] = field(default_factory=dict)
    of_arrays: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def write(self, path: Path, **options: object) -> Path:
        """Write the file; `options` go to h5py for every array."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as file:
            file.attrs.update(self.of_file)
            for name, values in self.arrays.items():
                file.create_dataset(name, data=values, **options).attrs.update(self.of_arrays.get(name, {}))
        return path


def trident(tiles: int = 12, dim: int = 8, encoder: str = "uni_v1", **changed: object) -> H5:
    """A file of TRIDENT; `changed` are attributes of its coordinates."""
    of_coords = {
        "patch_size": TILE_PX,
        "patch_size_level0": SIDE_PX,
        "level0_magnification": 40,
        "target_magnification": 20,
        "overlap": 0,
        "name": "S",
        "savetodir": "out",
        "level0_width": 9000,
        "level0_height": 8000,
    }
    return H5(
        {"features": features(tiles, dim), "coords": grid(tiles).astype(np.int64)},
        of_arrays={
            "features": {"name": "S", "savetodir": "out", "encoder": encoder},
            "coords": of_coords | changed,
        },
    )


def clam(tiles: int = 12, dim: int = 8) -> H5:
    """A file of CLAM, which says nothing of its tiles."""
    return H5({"features": features(tiles, dim), "coords": grid(tiles)})


def clam_patches(tiles: int = 12) -> H5:
    """The file of patches of the same slide: tiles of 255 pixels at a level of half the resolution."""
    of_coords = {"patch_size": SIDE_PX // 2, "patch_level": 1, "downsample": (2.0, 2.0), "level_dim": (4500, 4000)}
    return H5({"coords": grid(tiles).astype(np.int64)}, of_arrays={"coords": of_coords})


def stamp(tiles: int = 12, dim: int = 8, **changed: object) -> H5:
    """A file of STAMP 2.1 or newer; `changed` are attributes of the file."""
    of_file = {
        "stamp_version": "2.5.0",
        "extractor": "uni",
        "unit": "um",
        "tile_size_um": TILE_UM,
        "tile_size_px": TILE_PX,
        "code_hash": "0123abcd",
        "feat_type": "tile",
    }
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "coords": (grid(tiles) * MPP).astype(np.float32),
        "feats": features(tiles, dim).astype(np.float16),
    }
    return H5(arrays, of_file | changed)


def import_here(folder: Path, out: Path, stated: Stated) -> ImportTables:
    """Import the files of a folder in this process, each of a case of its name."""
    items = feature_paths([folder], None, re.compile(".+"))
    return import_features(items, out, stated, lambda importer, file: importer(file), quiet)


def write_embeddings(folder: Path, slides: Mapping[tuple[str, str], int]) -> Path:
    """Embeddings of the shipped encoder, as `medulla embed` leaves them: tiles by case and slide."""
    rows = []
    for (case, slide), tiles in slides.items():
        digest = sha256(f"{case}/{slide}".encode())
        facts = BagFacts(digest, sha256(b"plan"), SHIPPED.digest, SHIPPED.name, TILE_PX, TILE_UM)
        number = np.arange(tiles, dtype=np.int32)
        whole = Part(features(tiles, SHIPPED.dim, seed=tiles).astype(np.float16), number, number[:0])
        path = f"{keys.bag_prefix(digest, sha256(b'plan'), Sha256(SHIPPED.digest))}bag.safetensors"
        _put(folder / path, encode_bag([whole], grid(tiles), facts))
        _put(folder / keys.plan_prefix(digest, sha256(b"plan")) / keys.PLAN, _plan(tiles))
        rows.append((case, slide, digest, tiles, path))
    write_csv(folder / "index.csv", INDEX_COLUMNS, rows)
    return folder


def _plan(tiles: int) -> bytes:
    slide = {"width_px": 9000, "height_px": 8000, "mpp_x": MPP, "mpp_y": MPP, "mpp_source": "openslide.mpp-x"}
    return canonical_json({"slide": slide, "tile_width_px": SIDE_PX, "tile_height_px": SIDE_PX, "tiles": tiles})


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
