"""Builds the wheel as its users do, and installs it beside hostile packages of the names that it does not take."""

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from tests.stack import install
from tests.support.checkout import CHECKOUT

_HOSTILE = 'raise SystemExit("another package of this name was imported")\n'


def build(folder: Path, layout: str = "", checkout: Path = CHECKOUT) -> Path:
    """The wheel of a checkout; `layout` is MEDULLA_WHEEL_LAYOUT.

    Raises:
        subprocess.CalledProcessError: the build is refused; its `stderr` says why.
    """
    options = ("--wheel", "--python", sys.executable, "--out-dir", folder)
    command: list[str | Path] = [install.uv(), "build", *options, checkout]
    environment = {**install.uv_environment(), "MEDULLA_WHEEL_LAYOUT": layout}
    subprocess.run(command, env=environment, check=True, stderr=subprocess.PIPE, text=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def names_in(wheel: Path) -> set[str]:
    """Names of the files of a wheel."""
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel; its dependencies are those of the tests' environment, without the checkout."""

    environment: Path
    work: Path
    """A folder with hostile packages, in which programs run."""

    @classmethod
    def of(cls, wheel: Path, folder: Path) -> "Installed":
        """Install a wheel below a folder."""
        environment, work = folder / "environment", folder / "work"
        venv.create(environment)
        (site,) = environment.glob("lib/python3*/site-packages")
        command: list[str | Path] = [
            install.uv(),
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--python",
            environment,
            wheel,
        ]
        subprocess.run(command, env=install.uv_environment(), check=True)
        site.joinpath("dependencies.pth").write_text(sysconfig.get_path("purelib"))
        for place in (site, work):
            _put_hostile(place)
        return cls(environment, work)

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.environment / "bin" / "python"

    def run(self, *arguments: object) -> str:
        """What a Python program prints; it must end with 0."""
        command = [str(self.python), *map(str, arguments)]
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(command, cwd=self.work, env=clean, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def _put_hostile(folder: Path) -> None:
    for name in ("services", "shared"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(_HOSTILE)
