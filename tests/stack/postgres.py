"""One PostgreSQL server; it refuses to run as root, so root hands over to the user postgres."""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests.stack import install, system
from tests.stack.home import StackError
from tests.stack.process import Program, require_free

_USER = "medulla"
_HAND_OVER = ("--reuid=postgres", "--regid=postgres", "--clear-groups")
_LONGEST_SOCKET_PATH = 90


@dataclass(frozen=True)
class Postgres:
    """A server on one port of loopback, its data in `folder` (below nothing that is closed to others)."""

    folder: Path
    port: int
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def url(self, database: str) -> str:
        """SQLAlchemy URL of a database, through psycopg."""
        return f"postgresql+psycopg://{_USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    @cached_property
    def program(self) -> Program:
        """The postmaster's process; told SIGINT it does not wait for clients to leave."""
        command = [*_as_its_user(), *self._server()]
        return Program("postgres", self.folder, command, stop_signal=signal.SIGINT)

    def _server(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "shared_buffers": "64MB",
            "max_connections": "60",
        }
        pairs = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(install.postgres()), "-D", str(self.folder / "data"), *pairs]

    def start(self) -> None:
        """Start on whatever data the folder holds; after a kill its lock may take some seconds to go.

        Raises:
            StackError: it did not start.
        """
        require_free("PostgreSQL", self.port)
        if not (self.folder / "data" / "PG_VERSION").exists():
            self._initialise()
        try:
            self.program.start(self._ready, seconds=30)
        except StackError:
            self.program.start(self._ready, seconds=30)

    def _ready(self) -> bool:
        command = [system.require("pg_isready", "postgresql", "PostgreSQL"), "-q", "-h", "127.0.0.1"]
        return subprocess.run([*command, "-p", str(self.port)], check=False, timeout=10).returncode == 0

    def _initialise(self) -> None:
        if len(str(self.folder)) > _LONGEST_SOCKET_PATH:
            raise StackError(
                f"{self.folder} is too long a path for PostgreSQL's socket; choose a shorter MEDULLA_HOME."
            )
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        password = self.folder / "password"
        password.touch(mode=0o600)
        password.write_text(self.password)
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            shutil.chown(password, "postgres", "postgres")
        system.run("postgres-init", [*_as_its_user(), *self._initdb(password)])
        password.unlink()

    def _initdb(self, password: Path) -> Sequence[str]:
        program = system.require("initdb", "postgresql", "PostgreSQL")
        access = [f"--pwfile={password}", "--auth-local=reject", "--auth-host=scram-sha-256"]
        return [
            program,
            "-D",
            str(self.folder / "data"),
            "-U",
            _USER,
            *access,
            "-E",
            "UTF8",
            "--no-locale",
            "--no-sync",
        ]

    def stop(self) -> None:
        """Shut down in order, without waiting for clients to leave."""
        self.program.stop()

    def kill(self) -> None:
        """End it as a crash would (SIGKILL); `start` brings it back with its data."""
        self.program.kill()


def _as_its_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    return [system.require("setpriv", "util-linux", "PostgreSQL"), *_HAND_OVER]
