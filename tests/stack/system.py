"""Programs of the operating system that the parts need: installed by apt when we are root, else named."""

import functools
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from threading import Lock

from tests.stack.home import MissingPartError, inside, locked
from tests.stack.process import clean_environment, tail

_DEBIAN_POSTGRES = Path("/usr/lib/postgresql")
_NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/medulla.conf")
_apt_turn = Lock()


def find(program: str) -> str | None:
    """Path of a program on PATH, of a PostgreSQL program, which Debian keeps aside, or of a library `lib….so…`."""
    if program.startswith("lib"):
        return next((str(folder / program) for folder in _libraries() if (folder / program).exists()), None)
    path = shutil.which(program)
    if path is None and _DEBIAN_POSTGRES.is_dir():
        newest = sorted(_DEBIAN_POSTGRES.glob(f"*/bin/{program}"), key=lambda path: int(path.parts[-3]))
        path = str(newest[-1]) if newest else None
    return path


def _libraries() -> list[Path]:
    system = [Path("/lib"), Path("/usr/lib"), *Path("/usr/lib").glob("*-linux-gnu"), Path("/usr/lib64")]
    return [Path(str(sysconfig.get_config_var("LIBDIR"))), *system]


def require(program: str, package: str, part: str) -> str:
    """Path of a program that must be there.

    Raises:
        MissingPartError: it is not; the sentence names the Debian package that has it.
    """
    path = find(program)
    if path is None:
        raise _missing(part, program, package)
    return path


def ensure(part: str, *needs: tuple[str, str]) -> None:
    """Make sure of programs, each given with its Debian package: installed by apt when missing and we are root.

    Raises:
        MissingPartError: some are missing; the sentence names all of them.
    """
    with _apt_turn:
        missing = [need for need in needs if find(need[0]) is None]
        if missing:
            programs, packages = zip(*missing, strict=True)
            apt_install(part, " and ".join(programs), " ".join(packages))


def apt_install(part: str, what: str, packages: str) -> None:
    """Install Debian packages with `what` in them, which `part` needs.

    Raises:
        MissingPartError: we are not root, or apt failed.
    """
    if not _may_use_apt():
        raise _missing(part, what, packages)
    print(f"stack: installing the Debian packages {packages}", flush=True)
    with locked("apt"):
        _refresh_package_lists()
        if "postgresql" in packages:
            _make_no_cluster()
        run("apt", ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages.split()], _apt_environment())


def download_package(package: str, folder: Path) -> None:
    """Fetch a Debian package's file into a folder, without installing it; needs no root.

    Raises:
        MissingPartError: apt failed.
    """
    command = ["sh", "-c", f'cd "$0" && apt-get download -q {package}', str(folder)]
    if _may_use_apt():
        with locked("apt"):
            _refresh_package_lists()
    run("apt", command, _apt_environment())


def _missing(part: str, what: str, packages: str) -> MissingPartError:
    return MissingPartError(f"{part} needs {what}: ask an administrator for `apt-get install {packages}`.")


def _may_use_apt() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


@functools.cache
def _refresh_package_lists() -> None:
    run("apt", ["apt-get", "update", "-q"], _apt_environment())


def _make_no_cluster() -> None:
    """Keep Debian from starting a database server of its own beside ours."""
    _NO_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
    _NO_CLUSTER.write_text("create_main_cluster = false\n")


def _apt_environment() -> dict[str, str]:
    return clean_environment(DEBIAN_FRONTEND="noninteractive")


def run(name: str, argv: list[str], env: dict[str, str] | None = None) -> None:
    """Run an installer with its output in a log of the home's.

    Raises:
        MissingPartError: it failed; the end of its log is in the sentence.
    """
    log = inside("logs") / f"{name}.log"
    with log.open("ab") as output:
        done = subprocess.run(argv, env=env, stdout=output, stderr=output, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise MissingPartError(f"{argv[0]} could not install {name}; the end of {log}:\n{tail(log)}")
