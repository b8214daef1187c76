"""Settings of the embedder, and how it refuses wrong ones."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from services.embedder.settings import EmbedderSettings
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from shared.settings import BadSettingsError, load
from tests.support.checkout import CHECKOUT


def start(**environment: str) -> tuple[int, dict[str, str]]:
    """Start the service; its exit code and the last line of its log."""
    done = subprocess.run(
        [sys.executable, "-m", "services.embedder"],
        cwd=CHECKOUT,
        env={**os.environ, "MEDULLA_HTTP_PORT": "0", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, json.loads(lines[-1])


def test_without_any_variable_the_shipped_encoder_runs_in_process() -> None:
    settings = load(EmbedderSettings)
    assert (settings.encoder, settings.triton_url, settings.max_corrupt) == (DEFAULT_ENCODER, "", 0.05)


@pytest.mark.parametrize(
    ("name", "value"),
    [("EMBEDDER_MAX_CORRUPT", "1"), ("EMBEDDER_BATCH", "0"), ("EMBEDDER_TRITON_SHARED_MEMORY", "maybe")],
)
def test_a_value_out_of_range_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettingsError, match=name):
        load(EmbedderSettings)


def test_a_service_without_its_encoder_stops_with_a_sentence(tmp_path: Path) -> None:
    code, output = start(EMBEDDER_ENCODER=str(tmp_path))
    assert code == 1
    assert output["sentence"].startswith(f"no encoder at {tmp_path}")
    assert output["reason"] == "unknown_encoder"


def test_a_service_whose_encoder_gives_a_wrong_answer_stops_with_a_sentence(tmp_path: Path) -> None:
    manifest = json.loads((DEFAULT_ENCODER / "manifest.json").read_text())
    manifest["known_answer"]["norm"] *= 1.01
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    shutil.copy(DEFAULT_ENCODER / "encoder.onnx", tmp_path)
    code, output = start(EMBEDDER_ENCODER=str(tmp_path))
    assert code == 1
    assert "wrong answer for the known tile" in output["sentence"]


def test_a_service_whose_triton_is_down_stops_as_a_dependency_that_is_down() -> None:
    code, output = start(EMBEDDER_TRITON_URL="127.0.0.1:1", EMBEDDER_TRITON_START_S="0.1")
    assert code == 3
    assert output["sentence"] == "Triton at 127.0.0.1:1 is not ready after 0.1 s"
