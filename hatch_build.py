"""Lays out the wheel: the package `medulla`, with `services` and `shared` inside it, below the private `medulla._src`.

The checkout has them at the top, where wheels may not put names as common as these. Imports are rewritten while the
wheel is built; with MEDULLA_WHEEL_LAYOUT=checkout (the images) they stay as they are.
"""

import ast
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_MOVED = ("services", "shared")
_PRIVATE = "medulla._src"
_API = Path("services", "standalone", "api", "medulla")
_MESSAGES = Path("shared", "gen", "medulla")
_IMPORT = re.compile(r"^(\s*(?:from|import)) (services|shared)\b")
_MODULE_OPTION = re.compile(r"-m (services|shared)\b")
"""In docstrings and messages."""
_REFERENCE = re.compile(r"(services|shared)(\.\w+)+(:\w+)?")
_PRIVATE_DOCSTRING = '"""Internal; names and contents change without notice. Use `import medulla`."""\n'


class LayoutHook(BuildHookInterface):
    """Gives the builder a folder with the files of the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Lay the files out, except for an editable installation."""
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory()
        checkout, folder = Path(self.root), Path(self._folder.name)
        if os.environ.get("MEDULLA_WHEEL_LAYOUT") == "checkout":
            lay_out(checkout, folder, folder)
        else:
            lay_out(checkout, folder, folder.joinpath("medulla", "_src"))
            rewrite(folder)
        build_data["force_include"].update({str(each): each.name for each in folder.iterdir()})

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - of hatchling
        """Remove the folder."""
        if version != "editable":
            self._folder.cleanup()


def lay_out(checkout: Path, folder: Path, private: Path) -> None:
    """Copy the package `medulla` to `folder`, and `services` and `shared` to `private`."""
    left_out = {checkout / _API.parent, checkout / _MESSAGES.parent}

    def ignored(parent: str, names: list[str]) -> list[str]:
        return [name for name in names if name == "__pycache__" or Path(parent, name) in left_out]

    for package in (_API, _MESSAGES):
        shutil.copytree(checkout / package, folder / "medulla", ignore=ignored, dirs_exist_ok=True)
    for name in _MOVED:
        shutil.copytree(checkout / name, private / name, ignore=ignored)


def rewrite(folder: Path) -> None:
    """Make every import of what was moved name its new place."""
    folder.joinpath("medulla", "_src", "__init__.py").write_text(_PRIVATE_DOCSTRING, encoding="utf-8")
    for file in folder.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        file.write_text(rewritten(text, file.name), encoding="utf-8")


def rewritten(text: str, name: str) -> str:
    """The source of a module with imports, and `-m` of commands, below the private package.

    Raises:
        ValueError: it names a module in another way, which would not be found in the wheel.
    """
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _REFERENCE.fullmatch(node.value):
            raise ValueError(f"{name}:{node.lineno} names the module {node.value} in a string: use __package__")
        for module in _imported(node):
            if module.partition(".")[0] in _MOVED:
                lines[node.lineno - 1] = _moved_import(lines[node.lineno - 1], f"{name}:{node.lineno}")
    return _MODULE_OPTION.sub(rf"-m {_PRIVATE}.\1", "".join(lines))


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom) and not node.level:
        yield node.module or ""


def _moved_import(line: str, place: str) -> str:
    if not line.lstrip().startswith("from ") and " as " not in line:
        raise ValueError(
            f"{place}: `{line.strip()}` binds a name that the wheel has not; import from the module instead"
        )
    return _IMPORT.sub(rf"\1 {_PRIVATE}.\2", line)
