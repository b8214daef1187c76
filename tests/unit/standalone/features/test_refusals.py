"""A feature file that is damaged, contradictory or silent is one row of failures.csv, and the others go on."""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.standalone.features.stated import Stated, StatedEncoder
from services.standalone.features.tool import Tool, Unit
from tests.support.feature_files import H5, MPP, SIDE_PX, clam, features, grid, import_here, stamp, trident

UNI, SILENT = Stated(StatedEncoder("uni_v1"), mpp=MPP), Stated(StatedEncoder("uni_v1"))
FLOAT16_END = 70_000.0


def refusals(files: Mapping[str, H5], folder: Path, stated: Stated) -> dict[str, str]:
    """Reason and sentence by file of one import of these files, each of a case of its name."""
    for name, file in files.items():
        file.write(folder / f"in/{name}.h5")
    import_here(folder / "in", folder / "emb", stated)
    with (folder / "emb/failures.csv").open() as table:
        return {Path(row["slide"]).stem: f"{row['reason']}: {row['sentence']}" for row in csv.DictReader(table)}


def with_array(name: str, values: object, file: H5 | None = None) -> H5:
    file = file or trident()
    return replace(file, arrays={**file.arrays, name: np.asarray(values)})


def with_feature(value: float) -> H5:
    values = features(12)
    values[5, 3] = value
    return with_array("features", values)


CONTRADICTORY = {
    "nan": (with_feature(np.nan), "bad_embeddings: holds features that are no numbers, among tiles 0 to 12"),
    "infinite": (with_feature(np.inf), "bad_embeddings: holds features that are no numbers"),
    "large": (with_feature(FLOAT16_END), "bad_embeddings: holds the feature 7e+04; a bag's float16 ends at 65504"),
    "twice": (with_array("coords", grid(12)[[0, *range(11)]]), "bad_embeddings: holds a tile twice"),
    "fractions": (with_array("coords", grid(12) + 0.5), "bad_embeddings: has coordinates that are no whole pixels"),
    "negative": (with_array("coords", grid(12) - 99), "bad_embeddings: has coordinates that are negative"),
    "fewer": (with_array("coords", grid(11)), "bad_embeddings: has 12 tiles, and coordinates of shape (11, 2)"),
    "overlap": (trident(overlap=32), "bad_embeddings: says that its tiles overlap by 32 pixels"),
    "vast": (trident(patch_size_level0=1e12), "bad_embeddings: says that patch_size_level0 is "),
    "below": (trident(patch_size_level0=-510), "bad_embeddings: says that patch_size_level0 is "),
    "shrunk": (
        trident(patch_size_level0=0, level0_magnification=0, downsample=-2),
        "bad_embeddings: says that downsample ",
    ),
    "wide": (trident(level_dim=(9000, 1e12), patch_level=0), "bad_embeddings: says that level_dim is "),
    "words": (trident(level0_magnification="forty"), "bad_embeddings: says that level0_magnification is "),
    "closer": (with_array("coords", grid(12) // 2), "bad_embeddings: has tiles of 510 level-0 pixels that overlap"),
    "narrow": (trident(12, 7), "encoder_mismatch: has 7 features a tile, and encoder uni_v1 gives 8"),
    "whole": (with_array("features", features(1)[0]), "unsupported_format: holds one vector of a slide"),
    "integers": (with_array("features", np.ones((12, 8), int)), "unsupported_format: has features of shape (12, 8)"),
    "empty": (trident(0), "bad_embeddings: holds no tile"),
    "patches": (H5({"coords": grid(12)}), "unsupported_format: holds coordinates alone"),
    "features": (H5({"features": features(12)}), "unsupported_format: holds no coordinates of tiles"),
    "patient": (stamp(feat_type="patient"), "unsupported_format: holds one vector of a patient"),
    "other": (stamp(), 'encoder_mismatch: says that its encoder is "uni", and --encoder states "uni_v1"'),
}


def test_a_contradictory_file_is_refused_with_one_sentence_and_the_others_are_imported(tmp_path: Path) -> None:
    files = {"a-good": trident()} | {name: file for name, (file, _) in CONTRADICTORY.items()}
    listed = refusals(files, tmp_path, UNI)
    assert listed.keys() == CONTRADICTORY.keys()
    assert [name for name, (_, words) in CONTRADICTORY.items() if not listed[name].startswith(words)] == [], listed
    assert (tmp_path / "emb/index.csv").read_text().splitlines()[1].startswith("a-good,a-good,")


@pytest.mark.parametrize(
    ("file", "stated", "words"),
    [
        (trident(), SILENT, "does not say the resolution of its slide: state --mpp, or the column mpp of the table"),
        (stamp(extractor=""), SILENT, "does not say the resolution of its slide"),
        (
            clam(),
            UNI,
            "does not say the side of its tiles in pixels and how large its tiles are on the slide",
        ),
        (
            clam(),
            replace(SILENT, tile_px=256),
            "how large its tiles are on the slide and the resolution of its slide: state",
        ),
        (stamp(extractor="", unit="", tile_size_um=""), UNI, "does not say the unit of its coordinates"),
    ],
)
def test_what_a_file_does_not_say_is_asked_for(tmp_path: Path, file: H5, stated: Stated, words: str) -> None:
    listed = refusals({"silent": file}, tmp_path, stated)
    assert listed["silent"].startswith("bad_request: does not say ")
    assert words in listed["silent"]


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        (replace(UNI, tile_px=224), "says that the side of its tiles in pixels is 256, and --tile-px states 224"),
        (replace(UNI, tile_um=256.0), f"has tiles of {SIDE_PX * MPP:.4g} um a side by what it says"),
        (replace(SILENT, mpp=0.5), "scanned at 40x, which is about 0.25 um/px, and --mpp gives 0.5 um/px"),
        (replace(SILENT, tile_um=256.0), "scanned at 40x, which is about 0.25 um/px, and --tile-um gives 0.502 um/px"),
        (replace(UNI, unit=Unit.UM), "says that the unit of its coordinates is level0, and --coords states um"),
        (replace(UNI, tool=Tool.STAMP), "has no feats and coords, which STAMP writes"),
        (replace(UNI, encoder=StatedEncoder("uni_v1", dim=1024)), "and encoder uni_v1 gives 1024"),
    ],
)
def test_an_option_that_contradicts_the_file_is_refused(tmp_path: Path, stated: Stated, words: str) -> None:
    assert words in refusals({"stated": trident()}, tmp_path, stated)["stated"]


def test_tiles_of_another_size_than_the_encoder_takes_are_refused(tmp_path: Path) -> None:
    listed = refusals({"stated": stamp()}, tmp_path, Stated(StatedEncoder("uni", tile_um=512.0), mpp=MPP))
    assert listed["stated"] == "bad_request: has tiles of 128 um a side, and encoder uni takes those of 512 um"
