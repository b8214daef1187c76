"""One process of a part: started apart from us, waited for, and ended with its children by its recorded pid only."""

import contextlib
import functools
import os
import random
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.error import URLError

from tests.stack.home import StackError
from tests.support.polling import wait_for

_LOOPBACK = "127.0.0.1"
_BELOW_EPHEMERAL = range(20000, 32000)


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, below those that outgoing connections take, so that a part may die and come back."""
    candidates = random.SystemRandom().sample(_BELOW_EPHEMERAL, k=len(_BELOW_EPHEMERAL))
    free = (port for port in candidates if _can_bind(port))
    return [next(free) for _ in range(count)]


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_LOOPBACK, port))
        except OSError:
            return False
    return True


def require_free(name: str, *ports: int, seconds: float = 5) -> None:
    """Refuse to start a part on a port that somebody uses; a process just killed may hold its own a moment longer.

    Raises:
        StackError: a port is taken.
    """
    for port in ports:
        if not wait_for(functools.partial(_can_bind, port), seconds):
            raise StackError(f"{name} needs port {port} of {_LOOPBACK}, but another program listens there.")


def listening(port: int) -> bool:
    """Whether something accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((_LOOPBACK, port)) == 0


def answers(url: str) -> bool:
    """Whether a GET of an http URL succeeds."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own http URLs
            return bool(answer.status < 300)
    except (URLError, OSError):
        return False


def tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log file."""
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def clean_environment(**more: str) -> dict[str, str]:
    """Our environment without what slows Python children down, plus `more`."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | more


@dataclass
class Program:
    """A program with its log `name.log` and its recorded pid `name.process` in `folder`."""

    name: str
    folder: Path
    argv: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    """Where it runs; `folder` when none is given."""
    stop_signal: signal.Signals = signal.SIGTERM
    """What asks it to end."""
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @classmethod
    def recorded(cls, record: Path) -> Self:
        """The program of a `name.process` file, to be ended."""
        return cls(record.stem, record.parent, stop_signal=signal.Signals[_record(record)[2]])

    @property
    def log(self) -> Path:
        """Where its output goes, of all starts one after the other."""
        return self.folder / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        """Holds `pid start-time signal`: the second tells a reused pid from ours, the third asks it to end."""
        return self.folder / f"{self.name}.process"

    def start(self, ready: Callable[[], bool], seconds: float = 60) -> None:
        """Start it and return when it is ready.

        Raises:
            StackError: it ended, or was not ready in time; the end of its log is in the sentence.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                list(self.argv),
                env=clean_environment(**self.env),
                cwd=self.cwd or self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        pid = self._child.pid
        self.pid_file.write_text(f"{pid} {start_time(pid)} {self.stop_signal.name}")
        wait_for(lambda: not self.alive or ready(), seconds)
        if not (self.alive and ready()):
            self._give_up()

    def _give_up(self) -> None:
        state = "was not ready in time" if self.alive else "ended at its start"
        self.kill()
        raise StackError(f"{self.name} {state}; the end of {self.log}:\n{tail(self.log)}")

    @property
    def alive(self) -> bool:
        """Whether the recorded process runs."""
        return self._pid() is not None if self._child is None else self._child.poll() is None

    def _pid(self) -> int | None:
        if not self.pid_file.exists():
            return None
        pid, started, _ = _record(self.pid_file)
        return int(pid) if started and start_time(int(pid)) == started else None

    def stop(self, seconds: float = 20) -> None:
        """Ask it to end and wait; kill what runs of it after that."""
        pid = self._pid()
        self.signal(self.stop_signal)
        wait_for(lambda: not self.alive, seconds)
        self._end_group(pid)

    def kill(self) -> None:
        """End it at once, as a crash would, but with all that it started."""
        self._end_group(self._pid())

    def _end_group(self, pid: int | None) -> None:
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        wait_for(lambda: not self.alive, 10)
        self.pid_file.unlink(missing_ok=True)

    def signal(self, sign: signal.Signals) -> None:
        """Send it a signal; nothing when it does not run."""
        pid = self._pid()
        if pid is not None:
            os.kill(pid, sign)


def _record(file: Path) -> tuple[str, str, str]:
    """The words of a pid file; what is not written yet is no process, and is asked to end as most are."""
    words, missing = file.read_text().split(), ("", "", signal.SIGTERM.name)
    pid, started, sign = (*words, *missing[len(words) :])
    return pid, started, sign


def start_time(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty when it is gone or only waits to be reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in "ZX" else fields[19]
