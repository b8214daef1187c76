"""The command line as its users call it: what it prints, what it writes, how it ends."""

import csv
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest

from services.standalone import laptop
from services.standalone.demo_case import DEMO_BUNDLE
from services.standalone.laptop import Deployment
from services.standalone.pipeline_options import Options
from shared import runtime
from shared.health import BusyAddressError
from shared.model import trial
from shared.runtime import Part
from tests.support import slides
from tests.support.command_line import AT_FAULT, WRONG_USAGE, medulla, printed
from tests.support.signing import pair


@pytest.fixture
def slide(tmp_path: Path) -> Path:
    path = tmp_path / "MB-7.svs"
    path.write_bytes(slides.cc0_bytes())
    return path


def test_demo_prints_risk_interval_quality_and_provenance_and_leaves_a_report(tmp_path: Path) -> None:
    done = medulla("demo", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    for words in ("within 3 years", "90% interval", "Slide cmu-1", "Provenance", "SIMULATED", "Research use"):
        assert words in done.stdout
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-1.7")
    page = (tmp_path / "report.html").read_text()
    assert "Research use only" in page
    assert not re.findall(r"""(?:src|href)="(?!data:)|url\(|://""", page)


def test_a_score_repeats_byte_for_byte(tmp_path: Path, slide: Path) -> None:
    for folder in ("one", "two"):
        assert medulla("score", slide, "--case-id", "MB-7", "--out", tmp_path / folder).exit_code == 0
    assert (tmp_path / "one/score.json").read_bytes() == (tmp_path / "two/score.json").read_bytes()


def test_a_slide_without_a_record_is_scored_by_pathomics_alone(tmp_path: Path, slide: Path) -> None:
    score = printed("score", slide, "--out", tmp_path / "out")
    assert score["case_id"] == "MB-7"
    assert score["model"] == "pathomics"
    assert score["modalities_missing"] == ["clinical", "molecular"]


def test_a_second_run_forgets_the_record_of_the_first(tmp_path: Path, slide: Path) -> None:
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"case_id": "MB-7", "chang_m_stage": "M0"}))
    with_record = printed("score", slide, "--clinical", record, "--out", tmp_path / "out")
    without = printed("score", slide, "--case-id", "MB-7", "--out", tmp_path / "out")
    assert "clinical" in with_record["modalities_used"]
    assert "clinical" in without["modalities_missing"]


def test_a_bad_record_names_every_fault_in_one_sentence(tmp_path: Path, slide: Path) -> None:
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"case_id": "MB-7", "sex": "both", "age_at_diagnosis_years": 300}))
    done = medulla("score", slide, "--clinical", record, "--out", tmp_path / "out")
    assert done.exit_code == AT_FAULT
    assert "bad_clinical_record" in done.stderr
    assert "sex" in done.stderr
    assert "age_at_diagnosis_years" in done.stderr
    assert "Traceback" not in done.output


def test_advice_on_a_refused_record_is_a_command_that_runs_and_names_the_bundle_used(
    tmp_path: Path, slide: Path
) -> None:
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"sex": "both"}))
    other = shutil.copytree(DEMO_BUNDLE, tmp_path / "my bundle")
    shown = []
    for chosen in ((), ("--bundle", other)):
        done = medulla("score", slide, "--clinical", record, *chosen, "--out", tmp_path / "out")
        (command,) = re.findall("`medulla (.*)`", done.stderr)
        shown.append(medulla(*shlex.split(command)))
        assert (str(other) in command) == bool(chosen)
    assert [done.exit_code for done in shown] == [0, 0]
    assert all("chang_m_stage" in done.stdout for done in shown)


@pytest.mark.parametrize("case_id", ["../../etc", "a b", "", "x" * 65])
def test_a_case_id_that_is_no_pseudonym_is_refused(tmp_path: Path, slide: Path, case_id: str) -> None:
    done = medulla("score", slide, "--case-id", case_id or "/", "--out", tmp_path / "out")
    assert done.exit_code == AT_FAULT
    assert "bad_case_id" in done.stderr


def test_a_bundle_altered_by_one_byte_is_refused_by_file_name(tmp_path: Path, slide: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(DEMO_BUNDLE, bundle)
    altered = bytearray((bundle / "mil.onnx").read_bytes())
    altered[-1] ^= 1
    (bundle / "mil.onnx").write_bytes(altered)
    for command in (("bundle", "verify", bundle), ("score", slide, "--bundle", bundle, "--out", tmp_path / "out")):
        done = medulla(*command)
        assert done.exit_code == AT_FAULT
        assert "bad_bundle" in done.stderr
        assert "mil.onnx" in done.stderr


def test_bundles_and_encoders_show_what_they_are() -> None:
    bundle = printed("bundle", "show", DEMO_BUNDLE)
    assert bundle["simulated"]
    assert len(bundle["digest"]) == 64
    shown = medulla("bundle", "show", DEMO_BUNDLE).stdout
    for allowed in (
        "a number from 0 to 120 years",
        "one of M0, M1, M2, M3, M4",
        "one of WNT, SHH",
        "1 relapse",
        "no dot",
        "M0: 0 | Chang M0 | Chang stage M0 and 4 more",
        "molecular_group SHH and tp53_status wt: ",
        "1 years is 12 age_at_diagnosis_months | mo | month and 3 more",
        "empty | null | NA | N/A | N.A. | NaN | Unknown",
    ):
        assert allowed in shown
    assert printed("encoder", "show")["name"] == "efficientnet_lite0"
    assert printed("bundle", "verify", DEMO_BUNDLE)["ok"]


def test_a_bundle_that_was_signed_verifies_with_the_other_half_of_the_key(tmp_path: Path) -> None:
    bundle, private, public = tmp_path / "bundle", tmp_path / "private.pem", tmp_path / "public.pem"
    shutil.copytree(DEMO_BUNDLE, bundle)
    for path, half in zip((private, public), pair(), strict=True):
        path.write_bytes(half)
    assert printed("bundle", "sign", bundle, "--key", private) == {"bundle": str(bundle), "signed": True}
    assert printed("bundle", "verify", bundle, "--public-key", public)["signature_checked"]
    assert "signed   yes, by a key that was not checked here" in medulla("bundle", "show", bundle).stdout
    wrong = medulla("bundle", "verify", bundle, "--public-key", private)
    assert wrong.exit_code == AT_FAULT
    assert "is a private one" in wrong.stderr
    assert "openssl" in wrong.stderr


def test_a_bundle_that_ends_the_process_that_loads_it_is_refused_by_verify(monkeypatch: pytest.MonkeyPatch) -> None:
    abort = ("-c", "import os; os.abort()")
    monkeypatch.setattr(trial, "Trial", partial(trial.Trial, program=abort))
    done = medulla("bundle", "verify", DEMO_BUNDLE)
    assert done.exit_code == AT_FAULT
    assert "ends the process that tries it out" in done.stderr


@pytest.mark.parametrize(("command", "option"), [("verify", "--public-key"), ("sign", "--key")])
def test_a_file_without_an_end_is_no_key(tmp_path: Path, command: str, option: str) -> None:
    shutil.copytree(DEMO_BUNDLE, tmp_path / "bundle")
    done = medulla("bundle", command, tmp_path / "bundle", option, "/dev/zero")
    assert done.exit_code == AT_FAULT
    assert "openssl" in done.stderr


def test_inspect_says_one_line_a_slide_and_goes_on_past_bad_ones(tmp_path: Path, slide: Path) -> None:
    bad = tmp_path / "bad.svs"
    bad.write_bytes(b"no slide")
    done = medulla("inspect", slide, bad, tmp_path / "absent.svs")
    assert done.exit_code == AT_FAULT
    good, broken, absent = done.stdout.strip().splitlines()
    assert "2220 x 2967 px at 0.499 x 0.499 um/px (openslide.mpp-x)" in good
    assert "not_a_slide" in broken
    assert "absent.svs: no such file or folder [not_found]" in absent


def test_a_stated_default_resolution_serves_slides_that_state_none(tmp_path: Path) -> None:
    path = tmp_path / "unstated.svs"
    path.write_bytes(slides.without_mpp())
    refused = medulla("inspect", path)
    assert "no_resolution" in refused.stdout
    (slide,) = printed("inspect", path, "--default-mpp", "0.499")
    assert slide["mpp_source"].startswith("override")


def test_embed_goes_on_past_bad_slides_and_lists_both_kinds(tmp_path: Path) -> None:
    cohort = _cohort(tmp_path)
    out = tmp_path / "emb"
    done = medulla("embed", cohort, "--out", out)
    assert done.exit_code == AT_FAULT
    index, failures = _rows(out / "index.csv"), _rows(out / "failures.csv")
    assert [(row["case_id"], row["slide_id"]) for row in index] == [("A", "one.svs"), ("B", "one.svs")]
    assert all((out / row["path"]).is_file() for row in index)
    assert [(row["case_id"], row["reason"]) for row in failures] == [
        ("B", "not_a_slide"),
        ("A", "same_slide_in_two_cases"),
        ("B", "same_slide_in_two_cases"),
    ]
    assert failures[0]["sentence"]


def test_embed_finds_what_it_did_before(tmp_path: Path) -> None:
    cohort = _cohort(tmp_path)
    out = tmp_path / "emb"
    medulla("embed", cohort, "--out", out)
    bags = {bag: bag.stat().st_mtime_ns for bag in out.rglob("bag.safetensors")}
    medulla("embed", cohort, "--out", out, "--workers", 1)
    assert {bag: bag.stat().st_mtime_ns for bag in out.rglob("bag.safetensors")} == bags
    assert len(_rows(out / "index.csv")) == 2


def test_a_folder_without_slides_is_a_fault_of_the_input(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = medulla("inspect", tmp_path / "empty")
    assert done.exit_code == AT_FAULT
    for words in ("no slide found", "slides/{case}/", ".svs", "DICOM"):
        assert words in done.stdout


def test_up_says_where_it_listens_once_its_port_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Deployment] = []

    @contextmanager
    def opened(deployment: Deployment, _: Options) -> Iterator[list[Part]]:
        served.append(deployment)
        yield []

    monkeypatch.setattr(laptop, "_parts", opened)
    monkeypatch.setattr(runtime, "run", lambda *_, **__: 0)
    output = printed("up", "--watch", tmp_path, "--port", 8123)
    assert output["url"] == served[0].url == "http://127.0.0.1:8123"
    assert output["folder"] == str(tmp_path)
    assert "Research use only" in output["notice"]
    assert "http://127.0.0.1:8123" in medulla("up", "--watch", tmp_path, "--port", 8123).stdout


def test_up_names_no_address_that_another_program_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def busy(*_: object) -> Iterator[list[Part]]:
        raise BusyAddressError("cannot serve HTTP on 127.0.0.1:8123")
        yield []

    monkeypatch.setattr(laptop, "_parts", busy)
    refused = medulla("up", "--watch", tmp_path, "--port", 8123)
    assert (refused.exit_code != 0, refused.stdout) == (True, "")
    assert "cannot serve HTTP" in refused.stderr


def test_up_that_is_stopped_while_it_starts_ends_as_it_does_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(laptop, "serve", stop)
    stopped = medulla("up", "--watch", tmp_path)
    assert stopped.exit_code == 0
    assert stopped.stderr.endswith("Nothing is half-written; the same command goes on from here.\n")


@pytest.mark.parametrize("command", [("demo", "--out"), ("score", "SLIDE", "--out"), ("up", "--watch")])
def test_a_folder_that_cannot_be_written_is_said_in_one_sentence(
    tmp_path: Path, slide: Path, command: tuple[str, ...]
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    done = medulla(*(slide if word == "SLIDE" else word for word in command), in_the_way / "below")
    assert done.exit_code == AT_FAULT
    assert str(in_the_way) in done.stderr
    assert "Traceback" not in done.output


SPLIT_TWICE = ["evaluate", "--cohort", "c.csv", "--out", "o", "--splits", ".", "--folds", "3"]
PICTURES_OF_NOTHING = ["evaluate", "--cohort", "c.csv", "--out", "o", "--slides", "."]


@pytest.mark.parametrize(
    "arguments",
    [
        ["score"],
        ["embed"],
        ["nonsense"],
        ["dead-letters", "replay"],
        ["dead-letters", "drop"],
        PICTURES_OF_NOTHING,
        SPLIT_TWICE,
    ],
)
def test_wrong_usage_ends_with_its_own_code(arguments: list[str]) -> None:
    assert medulla(*arguments).exit_code == WRONG_USAGE


def _cohort(folder: Path) -> Path:
    cohort = folder / "cohort"
    for case in ("A", "B"):
        (cohort / "slides" / case).mkdir(parents=True)
        (cohort / "slides" / case / "one.svs").write_bytes(slides.cc0_bytes())
    (cohort / "slides/B/two.svs").write_bytes(b"no slide")
    return cohort


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
