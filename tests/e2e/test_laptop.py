"""`medulla up`: all services in one process, as someone without servers uses them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.stack.process import clean_environment
from tests.support import dicom_series, qupath, slides
from tests.support.checkout import CHECKOUT
from tests.support.installation import CLINICAL
from tests.support.laptop import PATIENCE_S, Laptop, laptop
from tests.support.polling import wait_for
from tests.support.vector_bundle import vector_json, write_vector_bundle

EXPORTS: dict[str, Callable[[bytes], bool]] = {
    "report.pdf": lambda data: data.startswith(b"%PDF-1.7"),
    "fhir": lambda data: json.loads(data)["type"] == "document",
    "attention.geojson": lambda data: json.loads(data)["type"] == "FeatureCollection",
    "report.dcm": lambda data: data[128:132] == b"DICM",
    "attention.dcm": lambda data: data[128:132] == b"DICM",
}


def test_deleted_and_replaced_files_change_the_score_whatever_their_dates(tmp_path: Path) -> None:
    with laptop(tmp_path) as up:
        up.land("slides/C-1/a.svs", slides.cc0_bytes())
        up.land("clinical/C-1.json", CLINICAL.read_bytes().replace(b"DEMO-001", b"C-1"))
        os.utime(tmp_path / "clinical/C-1.json", (4_000_000_000, 4_000_000_000))
        assert wait_for(lambda: up.score("C-1").get("model") == "fused", PATIENCE_S)
        (tmp_path / "slides/C-1/a.svs").unlink()
        assert wait_for(lambda: up.score("C-1").get("slides") == [], PATIENCE_S)
        up.land("clinical/C-1.json", b'{"case_id": "C-1", "age_at_diagnosis_years": 4}')
        os.utime(tmp_path / "clinical/C-1.json", (1_000_000_000, 1_000_000_000))
        assert wait_for(lambda: up.score("C-1").get("modalities_missing") == ["molecular", "slides"], PATIENCE_S)
        (tmp_path / "clinical/C-1.json").unlink()
        assert wait_for(lambda: state_of(up, "C-1") == "CASE_STATE_WITHDRAWN", PATIENCE_S)
        assert len(up.get("/api/v1/cases/C-1/scores")["scores"]) >= 3


def test_vectors_that_are_put_replaced_and_removed_change_the_score_and_a_bad_one_is_refused(tmp_path: Path) -> None:
    bundle = write_vector_bundle(tmp_path / "bundle")
    with laptop(tmp_path / "watched", "--bundle", str(bundle)) as up:
        up.land("clinical/C-1.json", b'{"case_id": "C-1", "stage": "M1"}')
        up.land("vectors/C-1/blood.json", vector_json("blood", "C-1", hb=10))
        up.land("vectors/C-1/texture.json", vector_json("texture", "C-1", t1=1))
        assert wait_for(lambda: up.score("C-1").get("model") == "fused", PATIENCE_S)
        assert up.score("C-1")["modalities_used"] == ["clinical", "blood counts", "MRI texture"]
        (up.folder / "vectors/C-1/texture.json").unlink()
        assert wait_for(lambda: up.score("C-1").get("model") == "clinical_blood", PATIENCE_S)
        up.land("vectors/C-1/blood.json", vector_json("blood", "C-1", hb="high"))
        assert wait_for(lambda: up.score("C-1").get("model") == "clinical", PATIENCE_S)
        assert wait_for(lambda: bool(up.get("/api/v1/cases/C-1")["rejections"]), PATIENCE_S)
        (refused,) = up.get("/api/v1/cases/C-1")["rejections"]
        assert (refused["object_key"], refused["reason"]) == ("vectors/C-1/blood.json", "bad_vectors")


def test_a_slide_is_zoomed_from_the_folder_until_its_case_is_erased(tmp_path: Path) -> None:
    with laptop(tmp_path) as up:
        up.land("slides/C-1/a.svs", slides.cc0_bytes())
        assert wait_for(lambda: up.score("C-1").get("slides"), PATIENCE_S)
        base = f"/api/v1/slides/{up.score('C-1')['slides'][0]['slide_digest']}"
        assert b'TileSize="240"' in up.fetch(f"{base}.dzi")
        square = up.fetch(f"{base}_files/12/3_4.jpeg")
        assert square[square.index(b"\xff\xda") :] in slides.cc0_bytes()
        assert up.delete("/api/v1/cases/C-1") == 202
        assert wait_for(lambda: not up.fetch(f"{base}_files/12/3_4.jpeg"), PATIENCE_S)


def test_a_scored_case_leaves_the_house_in_every_format(tmp_path: Path) -> None:
    with laptop(tmp_path / "watched") as up:
        for name, data in dicom_series.series().items():
            up.land(f"slides/C-1/s/{name}.dcm", data)
        up.land("clinical/C-1.json", CLINICAL.read_bytes().replace(b"DEMO-001", b"C-1"))
        assert wait_for(lambda: up.score("C-1").get("model") == "fused", PATIENCE_S)
        files = {file: up.fetch(f"/api/v1/cases/C-1/{file}") for file in EXPORTS}
        ok = up.score("C-1")["slides"][0]["ledger"]["ok"]
    assert [file for file, data in files.items() if not (data and EXPORTS[file](data))] == []
    tiles = [item for item in qupath.read_objects(files["attention.geojson"]) if item.kind == "tile"]
    assert len(tiles) == ok > 0
    assert exported_by_command(tmp_path, "fhir") == files["fhir"]


def exported_by_command(folder: Path, kind: str) -> bytes:
    command = [sys.executable, "-m", "services.standalone", "export", "C-1", "--store", str(folder / "watched")]
    options = ["--as", kind, "--out", str(folder / "file")]
    subprocess.run([*command, *options], cwd=CHECKOUT, env=clean_environment(), check=True)
    return (folder / "file").read_bytes()


def state_of(up: Laptop, case: str) -> str:
    return str(up.get(f"/api/v1/cases/{case}").get("summary", {}).get("state"))


def test_a_folder_is_watched_scored_and_found_again_after_a_restart(tmp_path: Path) -> None:
    with laptop(tmp_path) as first:
        first.land("slides/DEMO-001/slide.svs", slides.cc0_bytes())
        first.land("clinical/DEMO-001.json", CLINICAL.read_bytes())
        first.land("slides/DEMO-002/bad.svs", b"no slide")
        first.land("slides/loose.svs", slides.cc0_bytes())
        (tmp_path / "slides/DEMO-002/gone.svs").symlink_to("nowhere.svs")
        (tmp_path / "slides/DEMO-002/circle").symlink_to("..")
        assert wait_for(lambda: first.score("DEMO-001").get("model") == "fused", PATIENCE_S)
        assert wait_for(lambda: bool(first.get("/api/v1/cases/DEMO-002").get("rejections")), PATIENCE_S)
        assert wait_for(lambda: len(first.get("/api/v1/cases/DEMO-002")["rejections"]) == 2, PATIENCE_S)
        (loose,) = first.get("/api/v1/refused")["refused"]
        assert (loose["object_key"], loose["reason"]) == ("slides/loose.svs", "bad_case_id")
        before = first.score("DEMO-001")
    with laptop(tmp_path) as second:
        second.land("clinical/DEMO-003.json", CLINICAL.read_bytes().replace(b"DEMO-001", b"DEMO-003"))
        assert wait_for(lambda: bool(second.score("DEMO-003")), PATIENCE_S)
        assert second.score("DEMO-001") == before
        scores = second.get("/api/v1/cases/DEMO-001/scores")["scores"]
        assert [score["current"] for score in scores].count(True) == 1


def test_ctrl_c_cuts_off_slides_in_work_and_the_next_start_goes_on_with_them(tmp_path: Path) -> None:
    with laptop(tmp_path, end_s=10) as first:
        for number in range(6):
            first.land(f"slides/C-{number}/slide.svs", slides.cc0_bytes() + bytes(number))
        assert wait_for(lambda: any(tmp_path.glob("embeddings/*/*/*/*")), PATIENCE_S)
    assert not list(tmp_path.glob("attempts/**/*.json"))
    with laptop(tmp_path) as second:
        assert wait_for(lambda: all(second.score(f"C-{number}").get("slides") for number in range(6)), PATIENCE_S)


def test_records_in_other_words_are_read_with_a_map_and_a_corrected_map_changes_the_score(tmp_path: Path) -> None:
    columns, watched = tmp_path / "columns.yaml", tmp_path / "watched"
    columns.write_text("{columns: {Gruppe: molecular_group}, words: {molecular_group: {Typ B: G4}}}")
    with laptop(watched, "--map", str(columns)) as first:
        first.land("clinical/C-1.json", b'{"Gruppe": "Typ B"}')
        assert wait_for(lambda: group_read(first) == ("Typ B (Gruppe)", "G4"), PATIENCE_S)
    columns.write_text("{columns: {Gruppe: molecular_group}, words: {molecular_group: {Typ B: G3}}}")
    with laptop(watched, "--map", str(columns)) as second:
        assert wait_for(lambda: group_read(second) == ("Typ B (Gruppe)", "G3"), PATIENCE_S)


def group_read(up: Laptop) -> tuple[str, str] | None:
    readings = up.score("C-1").get("readings")
    return (readings[0]["written"], readings[0]["value"]) if readings else None


CANARY = "canary-4711"


def test_an_erased_case_leaves_no_trace_and_comes_back_only_when_that_is_lifted(tmp_path: Path) -> None:
    record = CLINICAL.read_bytes().replace(b"DEMO-001", CANARY.encode())
    with laptop(tmp_path) as running:
        running.land(f"slides/{CANARY}/slide.svs", slides.cc0_bytes())
        running.land(f"clinical/{CANARY}.json", record)
        running.land(f"slides/{CANARY}/bad.svs", b"no slide")
        running.land(f"vectors/{CANARY}/blood.json", vector_json("blood", CANARY, hb=10))
        assert wait_for(lambda: running.score(CANARY).get("model") == "fused", PATIENCE_S)
        assert traces(tmp_path)
        assert running.delete(f"/api/v1/cases/{CANARY}") == 202
        assert wait_for(lambda: not running.get(f"/api/v1/cases/{CANARY}") and not traces(tmp_path), PATIENCE_S)
        running.land(f"clinical/{CANARY}.json", record)
        running.land("clinical/DEMO-002.json", CLINICAL.read_bytes().replace(b"DEMO-001", b"DEMO-002"))
        assert wait_for(lambda: bool(running.score("DEMO-002")), PATIENCE_S)
        assert not running.score(CANARY)
        assert running.get("/api/v1/audit/verify")["intact"]
    assert medulla("erase", CANARY, "--watch", str(tmp_path)).returncode == 0
    assert not traces(tmp_path)
    with laptop(tmp_path) as again:
        again.land(f"clinical/{CANARY}.json", record)
        again.land("clinical/DEMO-003.json", CLINICAL.read_bytes().replace(b"DEMO-001", b"DEMO-003"))
        assert wait_for(lambda: bool(again.score("DEMO-003")), PATIENCE_S)
        assert not again.score(CANARY)
        assert medulla("erase", CANARY, "--watch", str(tmp_path), "--lift").returncode == 0
        assert wait_for(lambda: bool(again.score(CANARY)), PATIENCE_S)


def traces(folder: Path) -> list[str]:
    """Files that name the case, or hold its name."""
    files = [Path(root, name) for root, _, names in os.walk(folder) for name in names]
    return [str(path) for path in files if CANARY in str(path) or CANARY.encode() in content(path)]


def content(path: Path) -> bytes:
    """Bytes of a file; none if it is erased meanwhile."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def medulla(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "services.standalone", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, env=clean_environment(), capture_output=True, text=True, check=False)
