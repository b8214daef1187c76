"""`medulla export`: files from a score's file or from a case, and what it refuses."""

import json
from pathlib import Path

import pytest

from services.standalone.laptop_results import DATABASE
from shared.blob.folder import FolderStore
from tests.support import qupath
from tests.support import scores as samples
from tests.support.command_line import AT_FAULT, medulla
from tests.support.results import Results, attention_map, thumbnail


@pytest.fixture
def score_file(tmp_path: Path) -> Path:
    """A score.json with the folder that `medulla score` leaves beside it."""
    score, store = samples.score("MB-1", slides=("A1",)), FolderStore(tmp_path / "store")
    store.put(score.slides[0].thumbnail_key, thumbnail())
    store.put(score.slides[0].attention_key, attention_map(list(score.slides[0].top_tiles)))
    path = tmp_path / "score.json"
    path.write_text(samples.body(score))
    return path


def test_a_score_file_is_exported_for_qupath(score_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "a.geojson"
    done = medulla("export", score_file, "--as", "geojson", "--out", out, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {
        "case_id": "MB-1",
        "score_id": samples.score("MB-1").score_id,
        "files": [str(out)],
    }
    assert len(qupath.read_objects(out.read_bytes())) == 88 + 5


def test_a_score_of_a_table_of_cases_is_exported_from_its_folder(score_file: Path, tmp_path: Path) -> None:
    batch = (tmp_path / "store").rename(tmp_path / "batch")
    (batch / "scores").mkdir(exist_ok=True)
    score_file.rename(batch / "scores/MB-1.json")
    done = medulla("export", batch / "scores/MB-1.json", "--as", "geojson", "--out", tmp_path / "a.geojson")
    assert done.exit_code == 0, done.output
    assert len(qupath.read_objects((tmp_path / "a.geojson").read_bytes())) == 88 + 5


@pytest.mark.parametrize(
    ("kind", "start"),
    [("pdf", b"%PDF-1.7"), ("fhir", b'{\n "resourceType": "Bundle"'), ("dicom", bytes(128) + b"DICM")],
)
def test_a_score_file_is_exported_for_people_and_hospital_systems(
    score_file: Path, tmp_path: Path, kind: str, start: bytes
) -> None:
    for name in ("one", "two"):
        assert medulla("export", score_file, "--as", kind, "--out", tmp_path / name).exit_code == 0
    assert (tmp_path / "one").read_bytes().startswith(start)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_score_in_a_bucket_finds_the_objects_of_the_bucket(score_file: Path, tmp_path: Path) -> None:
    inside = tmp_path / "store" / "scores" / "MB-1" / "1.json"
    inside.parent.mkdir(parents=True)
    score_file.rename(inside)
    assert medulla("export", inside, "--as", "geojson", "--out", tmp_path / "a.geojson").exit_code == 0


def test_a_score_whose_folder_is_elsewhere_needs_it_named(score_file: Path, tmp_path: Path) -> None:
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    out = tmp_path / "a.geojson"
    done = medulla("export", score_file, "--as", "geojson", "--out", out)
    assert done.exit_code == AT_FAULT
    assert "no attention map of slide A1 is stored [not_found]" in done.stderr
    assert not out.exists()
    done = medulla("export", score_file, "--as", "geojson", "--out", out, "--store", tmp_path / "elsewhere")
    assert done.exit_code == 0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"score_id": "x", "case_id": "../a"}', '{"risks": 4}'])
def test_a_file_that_is_no_score_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "score.json"
    path.write_text(text)
    done = medulla("export", path, "--as", "geojson", "--out", tmp_path / "a")
    assert done.exit_code == AT_FAULT
    assert "holds no score" in done.stderr
    assert "[bad_request]" in done.stderr


def test_a_file_that_is_too_large_for_a_score_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "score.json"
    path.symlink_to("/dev/zero")
    done = medulla("export", path, "--as", "geojson", "--out", tmp_path / "a")
    assert (done.exit_code, "has more than 10000000 bytes" in done.stderr) == (AT_FAULT, True)


def test_a_case_of_a_folder_of_up_is_exported_as_it_stands(tmp_path: Path) -> None:
    folder, out = watched(tmp_path / "watched"), tmp_path / "a.geojson"
    done = medulla("export", "MB-1", "--store", folder, "--as", "geojson", "--out", out)
    assert done.exit_code == 0, done.output
    assert "Research use only" in done.stdout
    done = medulla("export", "MB-2", "--store", folder, "--as", "geojson", "--out", out)
    assert (done.exit_code, "nothing is stored of case MB-2" in done.stderr) == (AT_FAULT, True)


def watched(folder: Path) -> Path:
    """A folder of `medulla up` with one scored case."""
    folder.mkdir()
    results, store = Results(folder), FolderStore(folder)
    results.score(samples.score("MB-1", slides=("A1",)))
    results.close()
    (folder / "results.db").rename(folder / DATABASE)
    for info in results.blobs.list(""):
        store.put(info.key, results.blobs.get(info.key))
    return folder


def test_a_folder_that_is_none_of_up_is_refused(tmp_path: Path) -> None:
    done = medulla("export", "MB-1", "--store", tmp_path, "--as", "geojson", "--out", tmp_path / "a")
    assert (done.exit_code, "holds no results of `medulla up`" in done.stderr) == (AT_FAULT, True)


def test_a_score_file_that_is_not_there_is_refused_with_what_to_name(tmp_path: Path) -> None:
    done = medulla("export", tmp_path / "none.json", "--as", "pdf", "--out", tmp_path / "a.pdf")
    assert done.exit_code == AT_FAULT
    assert "none.json cannot be read: No such file or directory [bad_request]" in done.stderr
    assert "Name the score.json" in done.stderr


def test_a_case_without_a_running_system_is_refused_with_how_to_name_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RESULTS_DATABASE_URL", raising=False)
    done = medulla("export", "MB-1", "--as", "pdf", "--out", tmp_path / "a.pdf")
    assert done.exit_code == AT_FAULT
    assert "looked for in the running system, but RESULTS_DATABASE_URL is not set. [bad_request]" in done.stderr
    assert "give --store with the folder of `medulla up`" in done.stderr
