"""HDF5 files that lead elsewhere, or claim more than they hold, are refused before they are read."""

import csv
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from tests.support.command_line import AT_FAULT, medulla
from tests.support.feature_files import MPP, features, grid, trident

TILES, DIM = 2_000_000, 1024
"""Of arrays that no file here holds: 8 GB."""
BITSHUFFLE = 32_008
"""A filter that h5py would look for among plugins."""


def _links(file: h5py.File) -> None:
    file["features"] = features(12)
    file["coords"] = h5py.ExternalLink("/etc/passwd", "/coords")


def _loop(file: h5py.File) -> None:
    file["features"], file["coords"] = h5py.SoftLink("/coords"), h5py.SoftLink("/features")


def _elsewhere(file: h5py.File) -> None:
    file["coords"] = grid(12)
    file.create_dataset("features", (12, 8), "f4", external=[("/dev/zero", 0, 12 * 8 * 4)])


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((12, 8), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "features", (12, 8))
    file["coords"] = grid(12)
    file.create_virtual_dataset("features", layout)


def _claims(file: h5py.File) -> None:
    file.create_dataset("features", (TILES, DIM), "f4", chunks=(1, DIM))
    file.create_dataset("coords", (TILES, 2), "i4", chunks=(32, 2))


def _bomb(file: h5py.File) -> None:
    file["coords"] = grid(12)
    packed = file.create_dataset("features", (TILES, DIM), "f4", chunks=(4096, DIM), compression="gzip")
    packed[:4096] = 0


def _chunk(file: h5py.File) -> None:
    file["coords"] = grid(12)
    file.create_dataset("features", (12, 8), "f4", maxshape=(None, 8), chunks=(1 << 24, 8), compression="gzip")


def _filtered(file: h5py.File) -> None:
    file["coords"] = grid(12)
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((12, 8))
    plist.set_filter(BITSHUFFLE, h5py.h5z.FLAG_OPTIONAL, (0, 2))
    space = h5py.h5s.create_simple((12, 8))
    h5py.h5d.create(file.id, b"features", h5py.h5t.IEEE_F32LE, space, plist)


def _texts(file: h5py.File) -> None:
    file["coords"] = grid(12)
    file["features"] = np.array([["a"] * 8] * 12, h5py.string_dtype())


def _group(file: h5py.File) -> None:
    file["coords"] = grid(12)
    file.create_group("features")


HOSTILE: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    "links": (_links, "holds no coordinates of tiles"),
    "loop": (_loop, "holds no coordinates of tiles"),
    "elsewhere": (_elsewhere, "features lies in other files, which are not read"),
    "virtual": (_virtual, "features lies in other files, which are not read"),
    "claims": (_claims, "features is cut short: 0 of 8192000000 bytes are stored"),
    "bomb": (_bomb, "features would grow from"),
    "chunk": (_chunk, "features says that it has"),
    "filtered": (_filtered, "features is compressed by a filter that is not read"),
    "texts": (_texts, "features is no array of numbers"),
    "group": (_group, "features is no array of numbers"),
}


def test_a_hostile_file_is_refused_and_nothing_of_it_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    good = trident().write(folder / "a-good.h5").read_bytes()
    for name, (fill, _) in HOSTILE.items():
        with h5py.File(folder / f"{name}.h5", "w") as file:
            fill(file)
    (folder / "short.h5").write_bytes(good[: len(good) // 2])
    (folder / "none.h5").write_bytes(b"")
    done = medulla("import", folder, "--case-from", ".+", "--out", tmp_path, "--encoder", "uni_v1", "--mpp", MPP)
    assert done.exit_code == AT_FAULT, done.output
    with (tmp_path / "failures.csv").open() as table:
        listed = {Path(row["slide"]).stem: row["sentence"] for row in csv.DictReader(table)}
    expected = {name: words for name, (_, words) in HOSTILE.items()}
    expected |= dict.fromkeys(("short", "none"), "is no HDF5 file, or is damaged")
    assert listed.keys() == expected.keys()
    assert {name: listed[name] for name, words in expected.items() if words not in listed[name]} == {}


def test_a_file_of_torch_that_is_packed_or_holds_code_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "packed.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.pkl", b"\0" * 4096)
    with zipfile.ZipFile(tmp_path / "code.pt", "w") as archive:
        archive.writestr("code/data.pkl", b"cposix\nsystem\n(S'touch /tmp/owned'\ntR.")
        archive.writestr("code/version", b"3\n")
    (tmp_path / "text.pt").write_bytes(b"no archive")
    arguments = (tmp_path, "--case-from", ".+", "--out", tmp_path / "emb", "--encoder", "uni_v1")
    assert medulla("import", *arguments).exit_code == AT_FAULT
    with (tmp_path / "emb/failures.csv").open() as table:
        listed = {Path(row["slide"]).stem: row["sentence"] for row in csv.DictReader(table)}
    assert "compressed entries" in listed["packed"]
    assert "holds more than tensors" in listed["code"]
    assert "is no file of torch.save" in listed["text"]
