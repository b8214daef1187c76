"""Vectors on the command line, in the report, and in what `medulla bundle show` prints."""

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from google.protobuf.json_format import Parse
from medulla.v1.scorer_pb2 import Score

from services.standalone.bundle_lines import bundle_lines
from services.standalone.report_page import render
from services.standalone.score_lines import score_lines
from shared import keys
from shared.export import score_text
from shared.model.bundle_files import verify
from tests.support import scores as samples
from tests.support.command_line import medulla
from tests.support.fusion import clinical_json
from tests.support.scorer import CASE, Scorer
from tests.support.vector_bundle import vector_json, write_vector_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_vector_bundle(tmp_path / "bundle")


def file(folder: Path, name: str, data: bytes) -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def test_a_case_of_vectors_alone_is_scored_under_the_id_that_they_state(tmp_path: Path, bundle: Path) -> None:
    blood = file(tmp_path, "b.json", vector_json("blood", "MB-5", hb=10))
    done = medulla("score", "--vectors", f"blood={blood}", "--bundle", bundle, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    score = json.loads((tmp_path / "out/score.json").read_bytes())
    assert (score["case_id"], score["model"], score["modalities_used"]) == ("MB-5", "blood", ["blood counts"])
    assert "blood counts, columns that moved it most: hb 10 (+0.50)" in done.stdout
    assert "blood counts: 1 of 3 columns known" in done.stdout
    assert "Moved most by hb 10 (+0.50)" in (tmp_path / "out/report.html").read_text()


def test_two_vectors_and_a_record_are_scored_and_a_second_run_forgets_them(tmp_path: Path, bundle: Path) -> None:
    record = file(tmp_path, "record.json", clinical_json("MB-5", stage="M0"))
    blood = file(tmp_path, "b.json", vector_json("blood", "MB-5", hb=10))
    texture = file(tmp_path, "t.json", b'{"values": {"t1": 1}}')
    common = ("score", "--clinical", record, "--bundle", bundle, "--out", tmp_path / "out", "--json")
    both = json.loads(medulla(*common, "--vectors", f"blood={blood}", "--vectors", f"texture={texture}").stdout)
    assert (both["model"], [item["block"] for item in both["provenance"]["vectors"]]) == ("fused", ["blood", "texture"])
    alone = json.loads(medulla(*common).stdout)
    assert (alone["model"], "vectors" in alone) == ("clinical", False)


def test_a_vector_that_does_not_fit_is_refused_and_the_advice_is_a_command_that_names_columns(
    tmp_path: Path, bundle: Path
) -> None:
    bad = file(tmp_path, "b.json", vector_json("blood", "MB-5", haemoglobin=10))
    done = medulla("score", "--vectors", f"blood={bad}", "--bundle", bundle, "--out", tmp_path / "out")
    assert (done.exit_code, "bad_vectors" in done.stderr) == (1, True)
    (command,) = re.findall("`medulla (.*)`", done.stderr)
    blocks = json.loads(medulla(*shlex.split(command)).stdout)["blocks"]
    assert {"name": "blood", "title": "blood counts", "source": "vectors", "columns": ["hb", "wbc", "plt"]} in blocks
    assert {"name": "pathomic", "title": "slides", "source": "slides"} in blocks


@pytest.mark.parametrize(
    ("block", "data", "code", "words"),
    [
        ("blood", vector_json("blood", "MB-5", hb="high"), "bad_vectors", '"hb" is "high"'),
        ("blood", b"{", "bad_vectors", "is no JSON"),
        ("blud", vector_json("blud", "MB-5", hb=1), "unknown_block", "has no model of"),
    ],
)
def test_a_refused_vector_is_left_out_of_the_score_with_a_remark_and_a_sentence(
    tmp_path: Path, bundle: Path, block: str, data: bytes, code: str, words: str
) -> None:
    record = file(tmp_path, "record.json", clinical_json("MB-5", stage="M0"))
    bad, texture = file(tmp_path, "b.json", data), file(tmp_path, "t.json", b'{"values": {"t1": 1}}')
    given = ("--clinical", record, "--vectors", f"{block}={bad}", "--vectors", f"texture={texture}")
    done = medulla("score", *given, "--bundle", bundle, "--out", tmp_path / "out", "--json")
    score = json.loads((tmp_path / "out/score.json").read_bytes())
    assert (done.exit_code, score["model"]) == (1, "clinical")
    (remark,) = score["remarks"]
    assert (remark["code"], words in remark["sentence"]) == (code, True)
    assert f"left out: {bad}: the " in done.stderr
    assert f"`medulla bundle show {bundle} --json` lists columns by block" in " ".join(done.stderr.split())


def test_a_refused_vector_leaves_the_score_that_the_pipeline_makes(tmp_path: Path, bundle: Path) -> None:
    scorer = Scorer(tmp_path / "pipeline")
    scorer.promote_vectors()
    data = {"blood": vector_json("blood", hb="high"), "texture": vector_json("texture", t1=1)}
    scorer.store.put(keys.clinical(CASE), clinical_json(stage="M0"))
    for block, content in data.items():
        scorer.store.put(keys.vector(CASE, block), content)
    given = [f"--vectors={block}={file(tmp_path, f'{block}.json', content)}" for block, content in data.items()]
    record = file(tmp_path, "record.json", clinical_json(stage="M0"))
    medulla("score", "--clinical", record, *given, "--bundle", bundle, "--out", tmp_path / "out", "--case-id", CASE)
    scored = Parse((tmp_path / "out/score.json").read_bytes(), Score())
    scored.provenance.program_version = "0.0"
    assert scored == scorer.score()


@pytest.mark.parametrize("block", ["blud", "Blood", "clinical"])
def test_a_block_without_a_model_is_refused_with_those_that_have_one(tmp_path: Path, bundle: Path, block: str) -> None:
    blood = file(tmp_path, "b.json", vector_json(block, "MB-5", hb=10))
    done = medulla("score", "--vectors", f"{block}={blood}", "--bundle", bundle, "--out", tmp_path / "out")
    assert (done.exit_code, "its blocks of vectors: blood, texture" in done.stderr) == (1, True)


@pytest.mark.parametrize("argument", ["blood", "blood=", "=b.json", "a/b=b.json"])
def test_another_form_than_block_and_file_is_wrong_usage(argument: str) -> None:
    assert medulla("score", "--vectors", argument).exit_code == 2


def test_a_block_named_twice_is_wrong_usage(tmp_path: Path) -> None:
    blood = file(tmp_path, "b.json", b"{}")
    assert medulla("score", "--vectors", f"blood={blood}", "--vectors", f"blood={blood}").exit_code == 2


@pytest.mark.parametrize(
    ("data", "words"),
    [(None, "cannot be read: No such file"), (b"{", "is no JSON"), (b'{"values": {"hb": 1}}', "states no case_id")],
)
def test_a_vector_that_cannot_be_read_or_names_no_case_is_a_fault_of_the_input(
    tmp_path: Path, bundle: Path, data: bytes | None, words: str
) -> None:
    path = tmp_path / "b.json" if data is None else file(tmp_path, "b.json", data)
    done = medulla("score", "--vectors", f"blood={path}", "--bundle", bundle, "--out", tmp_path / "out")
    assert (done.exit_code, words in done.stderr) == (1, True)


def test_bundle_show_lists_blocks_with_title_source_and_number_of_columns(bundle: Path) -> None:
    shown = medulla("bundle", "show", bundle).stdout
    assert "block    clinical (from record)" in shown
    assert "block    pathomic: slides (from slides)" in shown
    assert "block    texture: MRI texture (from vectors, 7 columns)" in shown


def test_bundle_show_lists_the_blocks_of_an_arm_in_the_order_of_the_profile(bundle: Path) -> None:
    checked = verify(bundle)
    sorted_arm = checked.manifest.arms[0].model_copy(update={"blocks": ("blood", "clinical", "texture")})
    manifest = checked.manifest.model_copy(update={"arms": (sorted_arm,)})
    lines = bundle_lines(bundle, replace(checked, manifest=manifest), {})
    assert "arm      fused (clinical + blood + texture)" in lines


def test_bundle_show_names_the_whole_command_that_checks_a_signature(bundle: Path) -> None:
    (line,) = (line for line in bundle_lines(bundle, replace(verify(bundle), signed=True), {}) if "signed" in line)
    assert f"`medulla bundle verify {bundle} --public-key FILE`" in line


def test_report_and_terminal_call_blocks_by_their_titles() -> None:
    score = samples.with_vectors()
    for text in (render(score, []), "\n".join(score_lines(score))):
        assert "blood counts, clinical, slides" in text
        assert "just these blocks: MRI texture" in text
        assert "haemoglobin_g_dl 8.1 (+0.31), crp_mg_l missing (-0.04)" in text
        assert "MRI texture: 1200 of 1200 columns known; outside the training distribution" in text
        assert samples.digest("MB-0045/blood")[:12] in text


def test_a_model_is_called_by_the_blocks_that_it_reads() -> None:
    score = samples.score()
    for titles, words in ((["clinical"], "clinical"), (["a", "b", "c"], "a, b and c"), ([], "fused")):
        score.modalities_used[:] = titles
        assert score_text.model(score) == words
