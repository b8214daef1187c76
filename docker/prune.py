"""Leaves one service in an image: the folders of the others go, and a program `start` runs it; used by Dockerfile."""

import shutil
import sys
from pathlib import Path

ALL = "standalone"
"""The service that imports all others."""
DATA = {"trainer": {"embedder/encoders"}}
"""Folders of other services that a service reads; they hold no code."""
_START = """#!/opt/medulla/bin/python
import runpy

runpy.run_module("services.{module}", run_name="__main__", alter_sys=True)
"""


def main(service: str, root: Path) -> None:
    """Prune the package that is installed under `root` for one service."""
    module = service.replace("-", "_")
    (package,) = root.glob("lib/python3*/site-packages/services")
    if service != ALL:
        prune(package, {module, *DATA.get(service, ())})
    start = root / "bin" / "start"
    start.write_text(_START.format(module=module))
    start.chmod(0o755)


def prune(package: Path, kept: set[str]) -> None:
    """Remove every folder that is not in, or a parent of, one of `kept`."""
    for folder in [each for each in package.iterdir() if each.is_dir() and each.name not in kept]:
        inner = {path.partition("/")[2] for path in kept if path.startswith(f"{folder.name}/")}
        if not inner:
            shutil.rmtree(folder)
            continue
        prune(folder, inner)
        for file in folder.glob("*.py"):
            file.unlink()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
