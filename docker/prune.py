"""Leaves one service in an image: the folders of the others go, and a program `start` runs it; used by Dockerfile."""

import shutil
import sys
from pathlib import Path

import services

ALL = "standalone"
"""The service that composes the others, and needs them all."""
_START = """#!/opt/medulla/bin/python
import runpy

runpy.run_module("services.{module}", run_name="__main__", alter_sys=True)
"""


def main(service: str) -> None:
    """Prune the installed package for one service."""
    module = service.replace("-", "_")
    (package,) = services.__path__
    for folder in Path(package).iterdir():
        if folder.is_dir() and folder.name != module and service != ALL:
            shutil.rmtree(folder)
    start = Path(sys.prefix) / "bin" / "start"
    start.write_text(_START.format(module=module))
    start.chmod(0o755)


if __name__ == "__main__":
    main(sys.argv[1])
