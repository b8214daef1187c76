"""A feature file that is damaged, contradictory or silent is one row of failures.csv, and the others go on."""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.command_line import AT_FAULT, medulla
from tests.support.feature_files import H5, MPP, SIDE_PX, clam, features, grid, stamp, trident

UNI = ("--encoder", "uni_v1", "--mpp", MPP)
FLOAT16_END = 70_000.0


def refusals(files: Mapping[str, H5], folder: Path, *options: object) -> dict[str, str]:
    """Reason and sentence by file of one import of these files, each of a case of its name."""
    for name, file in files.items():
        file.write(folder / f"in/{name}.h5")
    done = medulla("import", folder / "in", "--case-from", ".+", "--out", folder / "emb", *options)
    assert done.exit_code == (AT_FAULT if files else 0), done.output
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
    listed = refusals(files, tmp_path, *UNI)
    assert listed.keys() == CONTRADICTORY.keys()
    assert [name for name, (_, words) in CONTRADICTORY.items() if not listed[name].startswith(words)] == [], listed
    assert (tmp_path / "emb/index.csv").read_text().splitlines()[1].startswith("a-good,a-good,")


@pytest.mark.parametrize(
    ("file", "options", "words"),
    [
        (trident(), (), "does not say the resolution of its slide: state --mpp, or the column mpp of the table"),
        (stamp(extractor=""), (), "does not say the resolution of its slide"),
        (
            clam(),
            ("--mpp", MPP),
            "does not say the side of its tiles in pixels and how large its tiles are on the slide",
        ),
        (clam(), ("--tile-px", 256), "how large its tiles are on the slide and the resolution of its slide: state"),
        (stamp(extractor="", unit="", tile_size_um=""), ("--mpp", MPP), "does not say the unit of its coordinates"),
    ],
)
def test_what_a_file_does_not_say_is_asked_for(
    tmp_path: Path, file: H5, options: tuple[object, ...], words: str
) -> None:
    listed = refusals({"silent": file}, tmp_path, "--encoder", "uni_v1", *options)
    assert listed["silent"].startswith("bad_request: does not say ")
    assert words in listed["silent"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--tile-px", 224), "says that the side of its tiles in pixels is 256, and --tile-px states 224"),
        (("--tile-um", 256), f"has tiles of {SIDE_PX * MPP:.4g} um a side by what it says"),
        (("--coords", "um"), "says that the unit of its coordinates is level0, and --coords states um"),
        (("--from", "stamp"), "has no feats and coords, which STAMP writes"),
        (("--dim", 1024), "has 8 features a tile, and encoder uni_v1 gives 1024"),
    ],
)
def test_an_option_that_the_file_contradicts_is_refused(
    tmp_path: Path, options: tuple[object, ...], words: str
) -> None:
    listed = refusals({"stated": trident()}, tmp_path, *UNI, *options)
    assert words in listed["stated"]
