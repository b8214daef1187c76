"""Four processes on real Kafka, MinIO, Triton and PostgreSQL: slides in, one current score out, also after crashes."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest

from shared import keys
from shared.bus import topics
from shared.bus.port import Record
from tests.stack.process import clean_environment
from tests.support import dicom_series, slides
from tests.support.checkout import CHECKOUT
from tests.support.dciodvfy import complaints
from tests.support.polling import wait_for
from tests.support.system import PATIENCE_S, RealParts, System, rejected_for, running, scored_by

CLINICAL_ONLY = "clinical_molecular"


@pytest.fixture(scope="module")
def system(real_parts: RealParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(real_parts, tmp_path_factory.mktemp("services"), topics.S3_EVENTS) as system:
        yield system


@pytest.fixture(scope="module")
def large_slide(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Several chunks of tiles, from the bundled slide's pixels repeated."""
    return slides.enlarged(tmp_path_factory.mktemp("large") / "large.tiff", across=4, down=4).read_bytes()


def test_a_slide_and_a_record_become_one_score_with_evidence(system: System) -> None:
    system.land_record("E2E-one")
    system.land_slide("E2E-one", slides.cc0_bytes())
    case = system.eventually("E2E-one", scored_by("fused"))
    score = case["score"]
    assert score["simulated"]
    assert score["notice"].startswith("Research use only")
    assert [risk["horizon_years"] for risk in score["risks"]] == [3.0, 5.0]
    assert all(risk["lo"] <= risk["risk"] <= risk["hi"] for risk in score["risks"])
    assert system.get("/api/v1/cases/E2E-one/slides/slide.svs/attention")


def test_a_slide_is_zoomed_by_ranges_from_the_tiler_and_is_gone_once_it_is_deleted(system: System) -> None:
    system.land_slide("E2E-zoom", _of_its_own("E2E-zoom"))
    case = system.eventually("E2E-zoom", scored_by("pathomics"))
    base = f"/api/v1/slides/{case['score']['slides'][0]['slide_digest']}"
    assert b'TileSize="240"' in system.fetch(f"{base}.dzi")
    square = system.fetch(f"{base}_files/12/3_4.jpeg")
    assert square[square.index(b"\xff\xda") :] in slides.cc0_bytes()
    assert system.fetch(f"{base}_files/0/0_0.jpeg").startswith(b"\xff\xd8\xff")
    system.store.delete(f"{keys.SLIDES}E2E-zoom/slide.svs")
    assert wait_for(lambda: not system.fetch(f"{base}_files/12/3_4.jpeg"), PATIENCE_S)


def test_the_laptop_gives_the_same_score_as_the_four_services(system: System, tmp_path: Path) -> None:
    system.land_record("E2E-laptop")
    system.land_slide("E2E-laptop", _of_its_own("E2E-laptop"))
    case = system.eventually("E2E-laptop", scored_by("fused"))
    (tmp_path / "slide.svs").write_bytes(_of_its_own("E2E-laptop"))
    record = tmp_path / "record.json"
    record.write_bytes(system.store.get(f"{keys.CLINICAL}E2E-laptop.json"))
    out = tmp_path / "out"
    _medulla("score", str(tmp_path / "slide.svs"), "--clinical", str(record), "--out", str(out))
    assert (out / "score.json").read_bytes() == system.score_bytes(case)


def test_a_dicom_slide_leaves_as_dicom_that_names_its_files(system: System, tmp_path: Path) -> None:
    for name, data in dicom_series.series().items():
        system.land_slide("E2E-dicom", data, f"s/{name}.dcm")
    system.land_record("E2E-dicom")
    score = system.eventually("E2E-dicom", scored_by("fused"))["score"]
    report, attention = (system.fetch(f"/api/v1/cases/E2E-dicom/{name}.dcm") for name in ("report", "attention"))
    assert complaints(report, tmp_path) == complaints(attention, tmp_path) == []
    (study,) = pydicom.dcmread(io.BytesIO(report)).CurrentRequestedProcedureEvidenceSequence
    (instance,) = study.ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert instance.ReferencedSOPInstanceUID == f"{dicom_series.SERIES}.1"
    mapped = np.frombuffer(pydicom.dcmread(io.BytesIO(attention)).FloatPixelData, np.float32)
    assert np.count_nonzero(mapped) == score["slides"][0]["ledger"]["ok"] > 0


def test_what_if_is_answered_by_the_scorer_and_changes_nothing(system: System) -> None:
    system.land_record("E2E-what-if", chang_m_stage="M0")
    stored = system.eventually("E2E-what-if", scored_by(CLINICAL_ONLY))["score"]
    path = "/api/v1/cases/E2E-what-if/what-if"
    form = system.get(path)
    assert form["clinical_record"]["chang_m_stage"] == "M0"
    changed = system.post(path, {"clinical_record": form["clinical_record"] | {"chang_m_stage": "M3"}})
    assert changed["risks"][0]["risk"] > stored["risks"][0]["risk"]
    assert system.case("E2E-what-if")["score"] == stored
    assert len(system.scores("E2E-what-if")) == 1


def test_each_event_three_times_gives_one_current_score(system: System) -> None:
    system.land_record("E2E-thrice")
    system.land_slide("E2E-thrice", _of_its_own("E2E-thrice"))
    before = system.eventually("E2E-thrice", scored_by("fused"))
    for topic in (topics.S3_EVENTS, topics.SLIDES_TILED, topics.SLIDES_EMBEDDED, topics.CASES_SCORED):
        records = [delivery.record for delivery in system.read(topic) if b"E2E-thrice" in delivery.record.value]
        assert records, topic
        system.send(*records, *records)
    system.land_record("E2E-after")
    system.eventually("E2E-after", scored_by(CLINICAL_ONLY))
    _settled(system)
    scores = system.scores("E2E-thrice")
    assert [score["current"] for score in scores].count(True) == 1
    assert len({score["score"]["score_id"] for score in scores}) == len(scores)
    assert system.case("E2E-thrice")["score"] == before["score"]


def test_killed_embedder_and_killed_broker_change_no_byte_of_the_score(system: System, large_slide: bytes) -> None:
    system.land_slide("E2E-calm", large_slide, "large.tiff")
    calm = system.eventually("E2E-calm", scored_by("pathomics"))
    _forget_embeddings(system)
    system.land_slide("E2E-storm", large_slide, "large.tiff")
    assert wait_for(lambda: _parts(system) > 0, PATIENCE_S), "no chunk was ever checkpointed"
    system.services["embedder"].kill()
    system.parts.kafka.kill()
    system.parts.kafka.start()
    system.services["embedder"].start()
    with_failures = system.eventually("E2E-storm", scored_by("pathomics"))
    assert _anonymous(system.score_bytes(with_failures)) == _anonymous(system.score_bytes(calm))
    assert system.score_bytes(with_failures) != b""
    assert len(system.scores("E2E-storm")) == 1


def test_a_lost_event_is_found_by_the_sweep(system: System) -> None:
    _announce_nothing(system)
    try:
        system.land_slide("E2E-lost", slides.cc0_bytes())
        system.land_record("E2E-lost")
    finally:
        system.parts.minio.announce(system.bucket)
    assert system.case("E2E-lost")["summary"]["state"] == "CASE_STATE_IN_PROGRESS"
    _medulla("sweep", **system.surroundings.environment)
    system.eventually("E2E-lost", scored_by("fused"))


def test_a_poison_message_is_a_dead_letter_and_delays_nothing(system: System) -> None:
    poison = b"\xff\x00 this is no event"
    for topic in (topics.S3_EVENTS, topics.SLIDES_TILED, topics.SLIDES_EMBEDDED, topics.CASES_SCORED):
        system.send(*(Record(topic, f"E2E-poison-{number}", poison) for number in range(6)))
    system.land_slide("E2E-beside-poison", slides.cc0_bytes())
    system.eventually("E2E-beside-poison", scored_by("pathomics"))
    letters = [delivery.record for delivery in system.read(topics.DEAD_LETTERS) if delivery.record.value == poison]
    origins = {letter.headers["medulla-origin"].split("/")[0] for letter in letters}
    assert origins == {topics.S3_EVENTS, topics.SLIDES_TILED, topics.SLIDES_EMBEDDED, topics.CASES_SCORED}
    assert {letter.headers["medulla-reason"] for letter in letters} == {"poison_message"}


@pytest.mark.parametrize(
    ("case_id", "data", "reason"),
    [
        ("E2E-text", b"this is no slide at all", "not_a_slide"),
        ("E2E-empty", b"", "empty_object"),
        ("E2E-no-mpp", slides.without_mpp(), "no_resolution"),
        ("E2E-garbled", slides.garbled(range(0, 130, 5)), "too_many_corrupt_tiles"),
    ],
)
def test_a_bad_slide_is_shown_with_its_reason_and_kept_as_a_dead_letter(
    system: System, case_id: str, data: bytes, reason: str
) -> None:
    system.land_slide(case_id, data)
    case = system.eventually(case_id, rejected_for(reason))
    refused = next(item for item in case["rejections"] if item["reason"] == reason)
    assert refused["sentence"]
    assert refused["advice"]
    reasons = [delivery.record.headers["medulla-reason"] for delivery in system.read(topics.DEAD_LETTERS)]
    assert reason in reasons


def test_a_bad_record_is_refused_in_one_sentence_and_the_slide_is_scored_without_it(system: System) -> None:
    system.land_record("E2E-record", chang_m_stage="M9", age_at_diagnosis_years=-3)
    system.land_slide("E2E-record", slides.cc0_bytes())
    case = system.eventually("E2E-record", lambda case: rejected_for("bad_clinical_record")(case) and "score" in case)
    sentence = next(item["sentence"] for item in case["rejections"] if item["reason"] == "bad_clinical_record")
    assert "chang_m_stage" in sentence
    assert "age_at_diagnosis_years" in sentence
    assert case["score"]["model"] == "pathomics"


def test_rescore_of_some_cases_goes_through_the_running_system(system: System) -> None:
    system.land_record("E2E-again")
    system.eventually("E2E-again", scored_by(CLINICAL_ONLY))
    before = len([d for d in system.read(topics.CASES_SCORED) if d.record.key == "E2E-again"])
    _medulla("rescore", "E2E-again", **system.surroundings.environment)
    assert wait_for(
        lambda: len([d for d in system.read(topics.CASES_SCORED) if d.record.key == "E2E-again"]) > before, PATIENCE_S
    )
    assert len(system.scores("E2E-again")) == 1


def _medulla(*arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "services.standalone", *arguments],
        cwd=CHECKOUT,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _of_its_own(case: str) -> bytes:
    """The bundled slide in bytes that no other case holds, so that none is remarked on both."""
    return slides.cc0_bytes() + case.encode()


def _announce_nothing(system: System) -> None:
    system.s3.put_bucket_notification_configuration(Bucket=system.bucket, NotificationConfiguration={})


def _forget_embeddings(system: System) -> None:
    for info in list(system.store.list("embeddings/")):
        system.store.delete(info.key)


def _parts(system: System) -> int:
    return sum("/part-" in info.key for info in system.store.list("embeddings/"))


def _anonymous(score: bytes) -> dict[str, object]:
    """A score without what names its case, or another that holds the same slide."""
    anonymous = dict(json.loads(score))
    del anonymous["case_id"], anonymous["score_id"], anonymous["remarks"]
    for slide in anonymous["slides"]:
        del slide["attention_key"]
    return anonymous


def _settled(system: System) -> None:
    """Everything sent so far has passed every service: a new slide has gone the whole way behind it."""
    for number in range(3):
        system.land_slide(f"E2E-behind-{number}", slides.cc0_bytes())
    for number in range(3):
        system.eventually(f"E2E-behind-{number}", scored_by("pathomics"))
