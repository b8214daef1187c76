"""`import medulla`: it loads nothing early, names the extra that a function lacks, and refuses what is no bag."""

import errno
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import medulla
import numpy as np
import pytest
from medulla.errors import BadEmbeddingsError, NothingFoundError, UnreadableFileError
from numpy.typing import NDArray

from shared.program import program_version
from shared.tensors import encode_tensors

_LOADED = "import sys, medulla; print(sorted(sys.modules.keys() & {'numpy', 'grpc', 'services.standalone', 'shared'}))"
_WITHOUT_LIBRARIES = """
import sys
sys.modules.update(dict.fromkeys(["lightgbm", "onnxruntime", "openpyxl", "openslide"]))
import medulla
for use in (lambda: medulla.open_slide, lambda: medulla.embed, lambda: medulla.Cohort, lambda: medulla.Bundle):
    try:
        use()
    except medulla.MedullaError as error:
        print(error)
"""
_TILE = {"tile_px": "256", "tile_um": "128.0"}
_FEATURES, _COORDS = np.zeros((2, 4), np.float16), np.zeros((2, 2), np.int32)


def _printed(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_import_loads_no_library_and_nothing_of_the_program() -> None:
    assert _printed(_LOADED) == ["[]"]


def test_a_function_without_its_libraries_names_what_installs_them() -> None:
    missing = {"open_slide": "openslide", "embed": "openpyxl", "Cohort": "openpyxl", "Bundle": "openpyxl"}
    assert _printed(_WITHOUT_LIBRARIES) == [
        f"medulla.{name} needs {library}, which is not installed: `make dev` in the project brings it."
        for name, library in missing.items()
    ]


def test_every_public_name_is_there_and_no_other() -> None:
    assert [name for name in dir(medulla) if not hasattr(medulla, name)] == []
    assert dir(medulla) == sorted([*medulla.__all__, "__version__"])
    assert medulla.__version__ == program_version()
    with pytest.raises(AttributeError, match="module 'medulla' has no attribute 'train'"):
        _ = medulla.train  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("tensors", "stated", "sentence"),
    [
        ({"features": _FEATURES}, _TILE, "is no bag of features, coords and the size of their tiles"),
        ({"features": _FEATURES, "coords": _COORDS}, {}, "is no bag of features, coords and the size of their tiles"),
        ({"features": _FEATURES, "coords": _COORDS[:1]}, _TILE, "has no float16 features"),
        ({"features": _FEATURES.astype(np.float32), "coords": _COORDS}, _TILE, "has no float16 features"),
        (None, {}, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_is_no_bag_is_refused(
    tensors: Mapping[str, NDArray[np.generic]] | None, stated: Mapping[str, str], sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "bag.safetensors"
    if tensors is not None:
        path.write_bytes(encode_tensors(tensors, stated))
    with pytest.raises(BadEmbeddingsError, match=sentence):
        medulla.Bag.load(path)


def test_a_slide_that_is_not_there_or_cannot_be_read_is_refused_with_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NothingFoundError, match=r"^nope\.svs: no such file or folder$"):
        medulla.open_slide("nope.svs")
    monkeypatch.setattr(Path, "open", _denied)
    with pytest.raises(UnreadableFileError, match=r"slide\.svs: cannot be read: Permission denied$"):
        medulla.open_slide(tmp_path / "slide.svs")


def _denied(*_: object) -> NoReturn:
    raise PermissionError(errno.EACCES, "Permission denied")
