"""Advice fits the laptop, errors end in sentences, and one slide's error is that slide's."""

import json
import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from medulla.v1.events_pb2 import SlideRejected

import services
import shared
from services.standalone.advice import here
from services.standalone.laptop_results import LaptopResults
from services.standalone.local_slides import SlideFile
from services.standalone.selection import unreadable
from services.standalone.unreadable_files import UnreadableFiles
from services.tiler.errors import NoResolutionError
from shared import file_names
from shared.errors import PermanentError
from shared.keys import BadCaseIdError
from shared.units import CaseId
from tests.support import scores as samples
from tests.support.command_line import AT_FAULT, medulla

_CLUSTER = re.compile(
    r"\b(TILER|EMBEDDER|SCORER|RESULTS|MEDULLA)_|dead.letter|replay|medulla (sweep|rescore)|upload|store the record",
    re.I,
)


def kinds() -> list[type[PermanentError]]:
    """Every refusal of the program, whoever raises it."""
    for package in (services, shared):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith(("errors", "keys", "retry", "port", "folder", "bundles")):
                import_module(module.name)
    classes, pending = [], [PermanentError]
    while pending:
        below = pending.pop().__subclasses__()
        classes += [kind for kind in below if "advice" in kind.__dict__]
        pending += below
    return classes


def test_no_advice_on_a_laptop_speaks_of_the_cluster() -> None:
    assert len(kinds()) > 20
    for kind in kinds():
        assert not _CLUSTER.search(here(kind.reason, kind.advice)), kind


def test_advice_that_suits_both_stays_as_it_is() -> None:
    assert here("not_a_slide", "Look again.") == "Look again."
    assert here(BadCaseIdError.reason, BadCaseIdError.advice) == BadCaseIdError.advice
    assert "--default-mpp" in here(NoResolutionError.reason, NoResolutionError.advice)


def test_the_page_of_a_laptop_shows_its_own_advice(tmp_path: Path) -> None:
    results = LaptopResults(f"sqlite:///{tmp_path / 'results.sqlite'}")
    results.migrate()
    rejection = samples.rejected("MB-1", "A", samples.at(1), "no_resolution")
    rejection.advice = NoResolutionError.advice
    results.record_rejection(rejection)
    facts = results.case(CaseId("MB-1"))
    assert facts is not None
    assert "TILER" not in facts.rejections[0].advice
    results.close()


def test_an_error_that_nobody_raised_on_purpose_is_a_sentence_with_type_and_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("a patient's name")

    monkeypatch.setattr(SlideFile, "check", broken)
    for name in ("a.svs", "b.svs"):
        (tmp_path / name).write_bytes(b"bytes")
    done = medulla("inspect", tmp_path, "--json")
    assert done.exit_code == AT_FAULT
    assert [line["reason"] for line in json.loads(done.stdout)] == ["internal_error"] * 2
    assert "unexpected ValueError at " in done.stdout
    assert "patient" not in done.output
    assert "Traceback" not in done.output


def test_what_cannot_be_read_in_a_watched_folder_is_reported_once_with_its_case(tmp_path: Path) -> None:
    (tmp_path / "slides/MB-1").mkdir(parents=True)
    (tmp_path / "clinical").mkdir()
    (tmp_path / "vectors/MB-1").mkdir(parents=True)
    (tmp_path / "vectors/MB-1/blood.json").symlink_to("gone.svs")
    (tmp_path / "slides/MB-1/a.svs").symlink_to("gone.svs")
    (tmp_path / "slides/loose.svs").symlink_to("gone.svs")
    for name in ("MB-1.json", "MB-1.json.part", ".MB-1.json"):
        (tmp_path / "clinical" / name).symlink_to("gone.svs")
    reported: list[SlideRejected] = []
    report_new = UnreadableFiles(tmp_path, reported.append)
    report_new()
    report_new()
    assert [(rejection.case_id, rejection.object_key) for rejection in reported] == [
        ("MB-1", "slides/MB-1/a.svs"),
        ("", "slides/loose.svs"),
        ("MB-1", "clinical/MB-1.json"),
        ("MB-1", "vectors/MB-1/blood.json"),
    ]
    assert all("gone.svs" in rejection.sentence and rejection.advice for rejection in reported)
    assert len(list(unreadable(tmp_path / "slides", file_names.is_no_slide))) == 2


def test_slides_and_records_beside_their_folders_are_reported_with_where_they_belong(tmp_path: Path) -> None:
    for name in (
        "loose.tif",
        "case9/x.svs",
        "who5.json",
        "results.sqlite",
        "plans/a/b.tif",
        "slides/a/b.svs",
        "clinical/a.json",
        "vectors/a/blood.json",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"bytes")
    reported: list[SlideRejected] = []
    report_new = UnreadableFiles(tmp_path, reported.append)
    report_new()
    report_new()
    assert {rejection.object_key: rejection.sentence.partition("move it to ")[2] for rejection in reported} == {
        "loose.tif": "slides/CASE/loose.tif",
        "case9/x.svs": "slides/case9/x.svs",
        "who5.json": "clinical/who5.json, the name being that of its case",
    }
    assert not any(rejection.case_id for rejection in reported)


def test_names_that_would_move_the_terminal_or_are_no_unicode_are_shown_harmlessly(tmp_path: Path) -> None:
    for name in (b"a\x1b[31m.svs", b"two\nlines.svs", b"bad\xff.svs"):
        Path(str(tmp_path) + "/" + name.decode(errors="surrogateescape")).write_bytes(b"no slide")
    done = medulla("inspect", tmp_path)
    assert done.exit_code == AT_FAULT
    assert len(done.stdout.splitlines()) == 3
    assert "\x1b" not in done.stdout
    assert len(json.loads(medulla("inspect", tmp_path, "--json").stdout)) == 3
    failed = medulla("embed", tmp_path, "--out", tmp_path / "emb")
    assert failed.exit_code == AT_FAULT
    assert "Traceback" not in failed.output
