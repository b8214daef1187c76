"""The notebooks of the guide run from top to bottom, and are kept without output."""

import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.checkout import CHECKOUT

_NOTEBOOKS = CHECKOUT / "services" / "standalone" / "guide" / "notebooks"
_CELL_S = 300


def _read(name: str) -> nbformat.NotebookNode:
    path = _NOTEBOOKS / f"{name}.ipynb"
    notebook: nbformat.NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def _printed(name: str, folder: Path) -> str:
    """What the cells of a notebook print, executed in a folder."""
    notebook = _read(name)
    NotebookClient(notebook, timeout=_CELL_S, resources={"metadata": {"path": str(folder)}}).execute()
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    return "".join(output.get("text", "") for output in outputs)


@pytest.mark.parametrize(
    ("name", "sentences"),
    [
        ("a_score_taken_apart", ("38 tiles of 128 um", "log-risk -0.169", "G5", "[bad_clinical_record]")),
        (
            "features_of_another_tool",
            ("same features: True", "same places: True", "1 file imported", ",encoder_mismatch,"),
        ),
        ("simulate_to_validate", ("100 patients,", "SIMULATED: True", "Uno's C", "within 5 years:")),
    ],
)
def test_a_notebook_runs(
    name: str, sentences: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    printed = _printed(name, tmp_path)
    assert [sentence for sentence in sentences if sentence not in printed] == []


def test_notebooks_are_kept_without_output() -> None:
    cells = [cell for path in _NOTEBOOKS.glob("*.ipynb") for cell in _read(path.stem).cells if cell.cell_type == "code"]
    assert cells
    assert not [cell for cell in cells if cell.outputs or cell.execution_count]
