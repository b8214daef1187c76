"""`medulla finetune` from end to end with a small encoder: what it makes is served like any other encoder."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from typer.testing import Result

from tests.stack.process import free_ports
from tests.support import slides
from tests.support.command_line import AT_FAULT, WRONG_USAGE, medulla, printed
from tests.support.finetuning import EQUALLY_BRIGHT, PINK, labelled_tiles, small_encoder
from tests.support.missing import optional_library

optional_library("torch", "train")

SHORT = ("--epochs", 6, "--share", 1, "--rate", 0.02, "--batch", 8, "--stain", 0, "--pull", 0.01)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_encoder(tmp_path_factory.mktemp("small"), colour_blind=True)


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return labelled_tiles(tmp_path_factory.mktemp("tiles") / "labelled", colours=EQUALLY_BRIGHT)


@pytest.fixture(scope="module")
def tuned(small: Path, tiles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "encoder"
    done = medulla("finetune", "--tiles", tiles, "--encoder", small, "--out", out, *SHORT)
    assert done.exit_code == 0, done.output
    assert "evaluate it on others" in done.stdout
    assert sorted(path.name for path in out.iterdir()) == [
        "NOTICE",
        "encoder.onnx",
        "logs",
        "manifest.json",
        "probe.json",
    ]
    return out


def test_the_encoder_shows_where_it_comes_from_and_what_it_gained(tuned: Path, small: Path) -> None:
    shown, base = printed("encoder", "show", tuned), printed("encoder", "show", small)
    training = shown["training"]
    assert shown["digest"] != base["digest"] == training["base_digest"]
    assert shown["name"] == "small-finetuned"
    assert (shown["input_px"], shown["tile_um"], shown["dim"]) == (base["input_px"], base["tile_um"], base["dim"])
    assert training["settings"]["seed"] == 1
    assert training["guard"]["exported"] == "tuned"
    words = medulla("encoder", "show", tuned).stdout
    assert "tuned    from small on labelled tiles: 36 tiles of 6 patients" in words
    assert "verdict  the tuned encoder was exported: macro AUC of 6 patients out of fold" in words
    assert "the tuned encoder was exported" in shown["source"]
    probe = json.loads((tuned / "probe.json").read_text())
    assert (probe["classes"], np.shape(probe["weight"])) == (["pink", "violet"], (2, shown["dim"]))
    assert "Changed here" in (tuned / "NOTICE").read_text()
    assert (tuned / "NOTICE").read_text().startswith("small: made up for tests.")


def test_slides_are_embedded_with_it_and_a_bundle_of_another_encoder_refuses_it(tuned: Path, tmp_path: Path) -> None:
    slide = tmp_path / "A.svs"
    slide.write_bytes(slides.cc0_bytes())
    done = medulla("embed", slide, "--out", tmp_path / "emb", "--encoder", tuned)
    assert done.exit_code == 0, done.output
    refused = medulla("score", slide, "--encoder", tuned, "--out", tmp_path / "score")
    assert refused.exit_code == AT_FAULT
    assert "encoder_mismatch" in refused.stderr
    assert refused.stderr.strip().splitlines()[-1].startswith("medulla: ")


def test_the_same_command_finds_what_it_made_and_another_one_does_not_overwrite_it(
    tuned: Path, small: Path, tiles: Path
) -> None:
    before = (tuned / "encoder.onnx").stat().st_mtime_ns
    assert medulla("finetune", "--tiles", tiles, "--encoder", small, "--out", tuned, *SHORT).exit_code == 0
    for difference in (("--seed", 2), ("--tile-um", 64), ("--name", "other")):
        other = medulla("finetune", "--tiles", tiles, "--encoder", small, "--out", tuned, *SHORT, *difference)
        assert other.exit_code == AT_FAULT
        assert "other_run" in other.stderr
    assert (tuned / "encoder.onnx").stat().st_mtime_ns == before


def test_an_unfinished_run_of_other_settings_is_not_mixed_in(small: Path, tiles: Path, tmp_path: Path) -> None:
    (tmp_path / "unfinished/0123456789abcdef").mkdir(parents=True)
    done = medulla("finetune", "--tiles", tiles, "--encoder", small, "--out", tmp_path, *SHORT)
    assert done.exit_code == AT_FAULT
    assert "unfinished run" in done.stderr


def test_bad_tiles_are_one_sentence_and_leave_nothing(small: Path, tiles: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(tiles, tmp_path / "tiles"))
    shutil.rmtree(copy / "pink")
    done = medulla("finetune", "--tiles", copy, "--encoder", small, "--out", tmp_path / "out")
    assert done.exit_code == AT_FAULT
    assert "holds one class, violet" in done.stderr
    assert "bad_tiles" in done.stderr
    assert "Traceback" not in done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [(), ("--tiles", "a", "--cohort", "b"), ("--cohort", "b", "--slides", "c")])
def test_half_named_sources_are_wrong_usage(options: tuple[str, ...], tmp_path: Path) -> None:
    assert medulla("finetune", "--out", tmp_path, *options).exit_code == WRONG_USAGE


def test_slides_are_cut_as_their_embeddings_were(tmp_path: Path) -> None:
    done = outcome(tmp_path, tmp_path / "out", "--tile-um", 64)
    assert done.exit_code == WRONG_USAGE
    assert "--tile-um is for labelled tiles" in " ".join(done.stderr.replace("│", " ").split())


def test_where_no_unseen_patient_gains_the_frozen_encoder_is_written_and_says_so(small: Path, tmp_path: Path) -> None:
    tiles = labelled_tiles(tmp_path / "tiles", colours=(PINK, PINK))
    unlabelled = ("--unlabelled", tiles / "pink")
    done = medulla("finetune", "--tiles", tiles, "--encoder", small, "--out", tmp_path / "out", *SHORT, *unlabelled)
    assert done.exit_code == 0, done.output
    shown = printed("encoder", "show", tmp_path / "out")
    assert (shown["name"], shown["digest"]) == ("small", printed("encoder", "show", small)["digest"])
    assert "verdict  the frozen encoder with its probe was exported" in done.stdout
    assert "adapted  to 18 tiles without labels" in done.stdout
    assert "the frozen encoder with its probe was exported" in (tmp_path / "out/NOTICE").read_text()


def weights(folder: Path) -> list[np.ndarray]:
    graph = onnx.load(folder / "encoder.onnx").graph
    return [numpy_helper.to_array(item) for item in graph.initializer if item.name in ("w1", "b1", "w2", "b2")]


def torchrun(launcher: Sequence[str], small: Path, tiles: Path, out: Path) -> subprocess.Popen[str]:
    command = ["-m", "torch.distributed.run", *launcher, "-m", "services.standalone"]
    options = ["finetune", "--tiles", tiles, "--encoder", small, "--out", out, *SHORT]
    return subprocess.Popen(
        [sys.executable, *command, *map(str, options)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output_of(launched: subprocess.Popen[str]) -> str:
    stdout, stderr = launched.communicate(timeout=900)
    assert launched.returncode == 0, stderr
    return stdout


@pytest.fixture(scope="module")
def of_two_processes(small: Path, tiles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("torchrun") / "out"
    done = output_of(torchrun(["--standalone", "--nproc-per-node=2"], small, tiles, out))
    assert done.count("encoder small-finetuned") == 1
    return out


def test_two_processes_of_torchrun_make_the_encoder_that_one_makes(tuned: Path, of_two_processes: Path) -> None:
    pairs = zip(weights(of_two_processes), weights(tuned), strict=True)
    assert all(np.abs(a - b).max() < 1e-4 for a, b in pairs)


def test_two_launchers_make_the_encoder_that_one_makes_with_two_processes(
    of_two_processes: Path, small: Path, tiles: Path, tmp_path: Path
) -> None:
    meeting = ["--nnodes=2", "--rdzv-backend=static", "--rdzv-id=tune", f"--rdzv-endpoint=127.0.0.1:{free_ports(1)[0]}"]
    nodes = [
        torchrun([*meeting, f"--node-rank={rank}", "--nproc-per-node=1"], small, tiles, tmp_path / "out")
        for rank in range(2)
    ]
    assert "".join(map(output_of, nodes)).count("encoder small-finetuned") == 1
    pairs = zip(weights(tmp_path / "out"), weights(of_two_processes), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


@pytest.fixture(scope="module")
def cohort(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    assert medulla("simulate", "--patients", 30, "--slides", "--tiles", 2, "--out", folder).exit_code == 0
    done = medulla("embed", folder, "--out", folder / "emb", "--encoder", small)
    assert done.exit_code == 0, done.output
    return folder


def outcome(cohort: Path, out: Path, *options: object) -> Result:
    named = ("--cohort", cohort / "cohort.csv", "--slides", cohort, "--embeddings", cohort / "emb")
    return medulla("finetune", *named, "--out", out, "--top", 4, "--epochs", 2, *options)


def test_an_encoder_learns_from_outcome_and_says_that_the_patients_never_lived(
    cohort: Path, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.standalone.console._QUIET_S", -1.0)
    done = outcome(cohort, tmp_path / "out", "--encoder", small, "--share", 1)
    assert done.exit_code == 0, done.output
    shown = printed("encoder", "show", tmp_path / "out")
    assert "models that choose tiles" in done.stderr, "the fit that chooses the tiles is named while it lasts"
    exported = shown["training"]["guard"]["exported"]
    assert shown["name"] == ("small" if exported == "frozen" else "small-finetuned-simulated")
    assert shown["training"]["guard"]["metric"] == "C"
    assert "SIMULATED" in shown["source"]
    assert shown["training"]["learned_from"] == "slide-level outcome"
    assert shown["training"]["tiles"] == 4 * shown["training"]["patients"]
    assert not (tmp_path / "out/unfinished").exists()
    profile = profile_with_another_note(tmp_path / "p.yaml")
    for difference in (("--default-mpp", 0.5), ("--profile", profile), ("--name", "other")):
        other = outcome(cohort, tmp_path / "out", "--encoder", small, "--share", 1, *difference)
        assert other.exit_code == AT_FAULT, difference
        assert "other_run" in other.stderr
    assert outcome(cohort, tmp_path / "out", "--encoder", small, "--share", 1).exit_code == 0


def profile_with_another_note(path: Path) -> Path:
    shipped = Path("services/trainer/profiles/medulloblastoma.yaml").read_text()
    path.write_text(shipped.replace("population:", "population: Others,", 1))
    return path


def test_slides_that_are_not_those_embedded_are_refused(cohort: Path, small: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(cohort / "slides", other / "slides")
    for path in (other / "slides").glob("*/*.tiff"):
        path.write_bytes(path.read_bytes() + b" ")
    named = ("--cohort", cohort / "cohort.csv", "--slides", other, "--embeddings", cohort / "emb")
    done = medulla("finetune", *named, "--out", tmp_path / "out", "--encoder", small)
    assert done.exit_code == AT_FAULT
    assert "is not the slide that was embedded" in done.stderr
    shutil.rmtree(other / "slides")
    shutil.copytree(cohort / "slides", other / "slides")
    shutil.rmtree(next((other / "slides").iterdir()))
    absent = medulla("finetune", *named, "--out", tmp_path / "out", "--encoder", small)
    assert "not among the slides" in absent.stderr


def test_embeddings_of_another_encoder_are_refused(cohort: Path, tmp_path: Path) -> None:
    done = outcome(cohort, tmp_path / "out")
    assert done.exit_code == AT_FAULT
    assert "the embeddings were made by small" in done.stderr
    assert "encoder_mismatch" in done.stderr
