"""The services of `make stack-up` can be started by hand with the settings that it gave them."""

import stat
import subprocess
from pathlib import Path

from tests.stack.services import Service


def test_a_shell_reads_from_the_file_what_the_service_was_told(tmp_path: Path) -> None:
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
