"""The wheel: one top-level name, every file, and programs that run beside other packages named services and shared."""

import ast
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.stack.home import inside
from tests.support import wheel as wheels
from tests.support.checkout import CHECKOUT

_ELSEWHERE = ("shared/gen/", "services/standalone/api/")
"""Folders whose contents lie directly in the package `medulla`."""

_PROGRAM = """import medulla

tables = medulla.embed(medulla.demo.SLIDE, "demo/store", case_id="DEMO-001")
score = medulla.Bundle.load(medulla.demo.BUNDLE).score(medulla.demo.RECORD, embeddings=tables.index.parent)
print(score.score_id, score.model)
"""
_WITHOUT_EXTRAS = """import sys
from contextlib import redirect_stderr

from medulla.__main__ import main

sys.modules["typer"] = None
try:
    with redirect_stderr(sys.stdout):
        main()
except SystemExit as end:
    print("ended with", end.code)
"""
_WRONGLY_TYPED = """
medulla.Bag.load(7)
"""
_CHECK = "import sys; from mypy import api; print(api.run(sys.argv[1:])[0], end='')"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return wheels.build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> wheels.Installed:
    """An environment with the wheel."""
    return wheels.Installed.of(wheel, tmp_path_factory.mktemp("installed"))


def _of_the_program() -> Iterator[str]:
    """Files of services and shared, from the checkout's root."""
    for folder in ("services", "shared"):
        for path in (CHECKOUT / folder).rglob("*"):
            name = path.relative_to(CHECKOUT).as_posix()
            if path.is_file() and "__pycache__" not in path.parts and not name.startswith(_ELSEWHERE):
                yield name


def test_the_package_is_the_only_top_level_name_of_a_wheel(wheel: Path) -> None:
    assert {name.partition("/")[0] for name in wheels.names_in(wheel)} == {"medulla", "medulla_risk-0.1.0.dist-info"}


def test_every_file_of_the_program_is_in_the_wheel(wheel: Path) -> None:
    names = wheels.names_in(wheel)
    assert [name for name in _of_the_program() if f"medulla/_src/{name}" not in names] == []
    assert {"medulla/py.typed", "medulla/__init__.py", "medulla/v1/scorer_pb2.pyi"} <= names


def test_no_module_of_the_wheel_imports_services_or_shared_of_the_top_level(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        modules = [ast.parse(archive.read(name)) for name in archive.namelist() if name.endswith(".py")]
    nodes = [node for module in modules for node in ast.walk(module)]
    imported = {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    imported |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    assert "medulla._src.services.tiler.grid" in imported
    assert not [name for name in imported if name.partition(".")[0] in {"services", "shared"}]


def test_the_command_scores_the_demo_beside_other_packages_of_these_names(installed: wheels.Installed) -> None:
    printed = installed.run(installed.environment / "bin" / "medulla", "demo", "--out", "demo", "--json")
    score = json.loads(printed)
    assert score["provenance"]["program_version"] == "0.1.0"
    assert [slide["slide_id"] for slide in score["slides"]] == ["cmu-1-small-region.svs"]
    assert (installed.work / "demo" / "report.pdf").read_bytes().startswith(b"%PDF")
    assert installed.run("-c", _PROGRAM).split() == [score["score_id"], "fused"]


def test_a_wheel_without_its_extras_names_the_one_of_the_command_line(installed: wheels.Installed) -> None:
    sentence, ending = installed.run("-c", _WITHOUT_EXTRAS).splitlines()
    assert sentence.endswith('needs typer, which is not installed: `pip install "medulla-risk[standalone]"` brings it.')
    assert ending == "ended with 3"


def test_strict_type_checks_of_a_program_know_the_types_of_the_wheel(installed: wheels.Installed) -> None:
    (installed.work / "program.py").write_text(_PROGRAM + _WRONGLY_TYPED)
    cache = ("--cache-dir", inside("cache", "mypy-of-wheels"))
    options = ("--strict", "--no-error-summary", "--python-executable", installed.python, *cache)
    checked = installed.run("-c", _CHECK, *options, "program.py")
    wrong = 'Argument 1 to "load" of "Bag" has incompatible type "int"; expected "str | Path"'
    assert checked.splitlines() == [f"program.py:7: error: {wrong}  [arg-type]"]


def test_the_wheel_of_an_image_has_the_modules_that_the_chart_names(tmp_path: Path) -> None:
    names = wheels.names_in(wheels.build(tmp_path, layout="checkout"))
    assert {"services/tiler/__main__.py", "shared/bus/__main__.py", "medulla/v1/events_pb2.py"} <= names
    assert not [name for name in names if name.startswith("medulla/_src/") or name.endswith(".pyc")]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ('OPENER = "services.tiler.readers:open_slide"\n', "names the module services.tiler.readers:open_slide"),
        ("import shared.errors\n", "binds a name that the wheel has not"),
    ],
)
def test_a_wheel_in_which_a_module_would_not_be_found_is_not_built(source: str, sentence: str, tmp_path: Path) -> None:
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, tmp_path)
    for folder in ("services/standalone/api/medulla", "shared/gen/medulla"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "services" / "wrong.py").write_text(source)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        wheels.build(tmp_path / "wheel", checkout=tmp_path)
    assert "wrong.py:1" in caught.value.stderr
    assert sentence in caught.value.stderr
