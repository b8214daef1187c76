"""The services of `make stack-up`: settings for a start by hand, and topics for retries."""

import stat
import subprocess
from pathlib import Path

import services.embedder.events as embedder
import services.fusion_scorer.refusal as scorer
import services.results.routes as results
import services.tiler.messages as tiler
from tests.stack.services import GROUPS, Service


def test_a_shell_reads_from_the_file_what_the_service_reads(tmp_path: Path) -> None:
    environment = {
        "RESULTS_DATABASE_URL": "postgresql://medulla:a'b\"c$d@127.0.0.1/x y",
        "MEDULLA_S3__SECRET_ACCESS_KEY": "`k`",
    }
    service = Service("results", tmp_path / "services", 8084, environment)
    file = service.write_settings()
    command = ["/bin/sh", "-c", 'set -a; . "$0"; env -0', str(file)]
    read = subprocess.run(command, env={}, capture_output=True, text=True, check=True, timeout=10).stdout.split("\0")
    assert {f"{name}={value}" for name, value in service.program.env.items()} <= set(read)


def test_nobody_else_may_read_the_passwords(tmp_path: Path) -> None:
    file = Service("results", tmp_path, 8084, {}).write_settings()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_every_consumer_group_has_a_topic_for_its_retries() -> None:
    assert set(GROUPS) == {tiler.SERVICE, embedder.SERVICE, scorer.SERVICE, results.SERVICE, results.FHIR}
