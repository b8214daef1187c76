"""A checkout as it is after a clone: the tracked files in a folder, and commands that know of no other checkout."""

import shutil
import subprocess
from pathlib import Path

from tests.stack.install import uv_environment
from tests.support.checkout import CHECKOUT

_OF_THIS_RUN = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "VIRTUAL_ENV", "PYTHONPATH")
"""What make and an active environment hand to their children."""


def clone(folder: Path) -> Path:
    """Copy the tracked files as they are now, changes that are not committed included."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (CHECKOUT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, target)
    return folder


def run_shell(text: str, folder: Path) -> str:
    """Output of a shell block in a folder; uv takes packages from the cache of `make` where they are there."""
    environment = {name: value for name, value in uv_environment().items() if name not in _OF_THIS_RUN}
    command = ["bash", "-euo", "pipefail", "-c", text]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
