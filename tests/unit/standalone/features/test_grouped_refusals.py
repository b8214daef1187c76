"""What `medulla import` prints of many files: patches are counted, and refusals of one form are one line."""

from pathlib import Path

from shared.exit_codes import AT_FAULT
from tests.support.command_line import medulla
from tests.support.feature_files import H5, MPP, grid, trident


def test_files_of_patches_are_counted_and_refusals_of_one_form_are_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for name in ("A", "B"):
        trident().write(folder / f"features_uni_v1/{name}.h5")
        H5({"coords": grid(12)}).write(folder / f"patches/{name}_patches.h5")
    for name, tiles in {"C": 11, "D": 10}.items():
        H5({**trident().arrays, "coords": grid(tiles)}).write(folder / f"features_uni_v1/{name}.h5")
    trident(overlap=32).write(folder / "features_uni_v1/E.h5")
    arguments = ("--case-from", "^.$", "--encoder", "uni_v1", "--mpp", MPP, "--from", "trident")
    done = medulla("import", folder, *arguments, "--out", tmp_path / "emb")
    assert done.exit_code == AT_FAULT, done.output
    assert "2 files of coordinates alone passed over" in done.stderr
    assert "2 left out for the same reason, such as: " in done.stderr
    assert "C.h5: has 12 tiles, and coordinates of shape (11, 2) [bad_embeddings]" in done.stderr
    assert "medulla: left out: " in done.stderr
    assert "(10, 2)" not in done.stderr
    assert "To score slides with a bundle trained on these, give --encoder the encoder's folder." in done.stderr
    assert "2 files imported" in done.stdout
    assert "3 refused, see " in done.stdout
