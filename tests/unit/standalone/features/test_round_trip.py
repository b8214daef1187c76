"""Bags become feature files as the tools read them, and come back as the bags that they were."""

import csv
import json
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.standalone.features.tool import Tool
from services.trainer.cohort.embeddings import read_embeddings
from tests.support.command_line import printed
from tests.support.feature_files import TILE_PX, TILE_UM, write_embeddings

SLIDES = {("C-1", "A.svs"): 40, ("C-1", "B.svs"): 23, ("C-2", "A.svs"): 31, ("C-3", "1.2.840.7"): 12}
FACTS = {"slide_digest", "plan_digest", "bag_digest", "score_id", "attention_key", "thumbnail_key", "mpp_source"}
"""What the score of an imported bag says otherwise: digests, and who stated the resolution."""


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_embeddings(tmp_path_factory.mktemp("emb"), SLIDES)


@pytest.fixture(scope="module")
def exported(embeddings: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Tool, Path]:
    folders = {tool: tmp_path_factory.mktemp(tool) for tool in Tool}
    for tool, folder in folders.items():
        assert printed("export-features", embeddings, "--as", tool, "--out", folder)["written"] == len(SLIDES)
    return folders


@pytest.fixture(scope="module")
def imported(exported: dict[Tool, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[Tool, Path]:
    folders = {tool: tmp_path_factory.mktemp(tool) for tool in Tool}
    for tool, folder in folders.items():
        more = ("--patches", exported[tool] / "patches", "--tile-px", TILE_PX) if tool is Tool.CLAM else ()
        arguments = ("--slides", exported[tool] / "slides.csv", "--encoder", DEFAULT_ENCODER, "--out", folder, *more)
        assert printed("import", *arguments)["imported"] == len(SLIDES)
    return folders


def rows(table: Path) -> list[dict[str, str]]:
    with table.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("tool", Tool)
def test_a_bag_comes_back_with_its_features_places_and_sizes(
    embeddings: Path, imported: dict[Tool, Path], tool: Tool
) -> None:
    ours, theirs = rows(embeddings / "index.csv"), rows(imported[tool] / "index.csv")
    assert [(row["case_id"], row["slide_id"], row["tiles"]) for row in theirs] == [
        (row["case_id"], row["slide_id"], row["tiles"]) for row in ours
    ]
    for mine, its in zip(ours, theirs, strict=True):
        bag, back = load_file(embeddings / mine["path"]), load_file(imported[tool] / its["path"])
        assert (bag["features"] == back["features"]).all()
        assert (bag["coords"] == back["coords"]).all()
        assert (back["features"].dtype.name, back["coords"].dtype.name) == ("float16", "int32")
    report = rows(imported[tool] / "imports.csv")[0]
    assert (report["tool"], report["tile_px"], report["tile_um"]) == (tool, str(TILE_PX), str(TILE_UM))


@pytest.mark.parametrize("tool", Tool)
def test_imported_features_give_the_score_of_our_own_bags(
    embeddings: Path, imported: dict[Tool, Path], tmp_path: Path, tool: Tool
) -> None:
    (tmp_path / "cohort.csv").write_text("case_id,age_at_diagnosis_years\nC-1,7\nC-2,11\n")
    scores = []
    for name, folder in (("ours", embeddings), ("theirs", imported[tool])):
        arguments = ("--cases", tmp_path / "cohort.csv", "--embeddings", folder, "--out", tmp_path / name)
        assert printed("score", *arguments)["scored"] == 2
        scores.append(
            [_numbers(json.loads((tmp_path / name / f"scores/{case}.json").read_text())) for case in ("C-1", "C-2")]
        )
    assert scores[0] == scores[1]


@pytest.mark.parametrize("tool", Tool)
def test_the_trainer_reads_imported_bags_as_those_of_the_same_encoder(
    embeddings: Path, imported: dict[Tool, Path], tool: Tool
) -> None:
    ours, theirs = read_embeddings(embeddings), read_embeddings(imported[tool])
    assert (theirs.width, theirs.encoder_digest) == (ours.width, ours.encoder_digest)
    assert theirs.by_case.keys() == ours.by_case.keys()
    for case in ours.by_case:
        mine, its = (sorted(map(tuple, each.bag(case).tolist())) for each in (ours, theirs))
        assert mine == its


def _numbers(value: object) -> object:
    """A score without digests and what the plan alone states."""
    if isinstance(value, dict):
        return {name: _numbers(each) for name, each in value.items() if name not in FACTS | {"width_px", "height_px"}}
    return [_numbers(each) for each in value] if isinstance(value, list) else value
