"""Leaves one service in an image, without the folders of others, and writes a program `start`; used by Dockerfile."""

import shutil
import sys
from pathlib import Path

ALL = "standalone"
"""The service that imports all others."""
DATA = {"trainer": {"embedder/encoders"}}
"""Folders of other services that a service reads; they hold no code."""
USERS = {"model": {"fusion_scorer", "trainer", ALL}, "export": {"results", ALL}}
"""Folders of shared that not every service imports, with those that do; the images of others do not have them."""
_HOLDS_SIGNALS = "/usr/bin/env -S --block-signal=TERM,INT "
"""Signals wait until a service handles them: the kernel drops what the first process of a container does not handle."""
_WITHOUT_HANDLERS = {"trainer", ALL}
"""Programs that leave signals to the interpreter, and so must not start with them blocked."""
_START = """#!{holds_signals}/opt/medulla/bin/python
import runpy

runpy.run_module("services.{module}", run_name="__main__", alter_sys=True)
"""


def main(service: str, root: Path) -> None:
    """Prune the package that is installed under `root` for one service."""
    module = service.replace("-", "_")
    (package,) = root.glob("lib/python3*/site-packages/services")
    if service != ALL:
        prune(package, {module, *DATA.get(service, ())})
    for folder in [folder for folder, users in USERS.items() if module not in users]:
        shutil.rmtree(package.parent / "shared" / folder)
    start = root / "bin" / "start"
    holds_signals = "" if service in _WITHOUT_HANDLERS else _HOLDS_SIGNALS
    start.write_text(_START.format(holds_signals=holds_signals, module=module))
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
