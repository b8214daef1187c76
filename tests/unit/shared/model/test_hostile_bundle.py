"""A bundle's files are foreign: what is no plain file, too much or ambiguous is refused in a sentence."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from services.fusion_scorer.stored_files import StoredFiles
from shared.blob.memory import MemoryStore
from shared.canonical import sha256
from shared.model import file_limits
from shared.model.bundle_files import verify
from shared.model.errors import BadBundleError
from shared.model_keys import bundle_prefix
from shared.units import Sha256
from tests.support.fusion import write_bundle

_DIGEST = Sha256("a" * 64)


def _link(folder: Path) -> None:
    (folder / "fused.json").rename(folder.parent / "fused.json")
    (folder / "fused.json").symlink_to(folder.parent / "fused.json")


def _sparse(folder: Path) -> None:
    with (folder / "mil.onnx").open("r+b") as file:
        file.truncate(file_limits.MAX_FILE_BYTES + 1)


def _many(folder: Path) -> None:
    for number in range(file_limits.MAX_FILES):
        (folder / f"{number}.txt").touch()


NOT_PLAIN = "a link, a folder, a pipe or a device"
ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "a link": (_link, f'holds "fused.json", which is {NOT_PLAIN}'),
    "a link to nothing": (lambda folder: (folder / "x").symlink_to("/nowhere"), f'holds "x", which is {NOT_PLAIN}'),
    "a pipe": (lambda folder: os.mkfifo(folder / "pipe.json"), f'holds "pipe.json", which is {NOT_PLAIN}'),
    "a folder": (lambda folder: (folder / "more").mkdir(), f'holds "more", which is {NOT_PLAIN}'),
    "a hidden name": (lambda folder: (folder / ".hidden").touch(), 'holds ".hidden"; names of a bundle'),
    "a line break": (lambda folder: (folder / "a\nb").touch(), r'holds "a\nb"; names of a bundle'),
    "a long name": (lambda folder: (folder / ("n" * 200)).touch(), 'nnn…"; names of a bundle'),
    "a large file": (_sparse, "more than 67108864 bytes with mil.onnx"),
    "many files": (_many, "holds more than 200 files"),
}


@pytest.mark.parametrize("case", ODD)
def test_a_folder_with_something_odd_is_refused_before_it_is_read(tmp_path: Path, case: str) -> None:
    change, sentence = ODD[case]
    change(write_bundle(tmp_path / "b"))
    with pytest.raises(BadBundleError) as caught:
        verify(tmp_path / "b")
    assert sentence in str(caught.value)


def test_stored_files_are_refused_by_their_size_and_name_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    store.put(f"{bundle_prefix(_DIGEST)}bundle.json", b"x" * 11)
    assert StoredFiles(store, _DIGEST).read() == {"bundle.json": b"x" * 11}
    monkeypatch.setattr(file_limits, "MAX_FILE_BYTES", 10)
    with pytest.raises(BadBundleError, match=r"more than 10 bytes with bundle\.json"):
        StoredFiles(store, _DIGEST).read()
    store.put(f"{bundle_prefix(_DIGEST)}../a.json", b"")
    with pytest.raises(BadBundleError, match=r'holds "\.\./a\.json"; names'):
        StoredFiles(store, _DIGEST).read()


def test_the_limit_of_all_files_together_counts_their_sum() -> None:
    sizes = [(f"{number}.bin", file_limits.MAX_FILE_BYTES) for number in range(5)]
    file_limits.check_sizes(sizes[:4], "here")
    with pytest.raises(BadBundleError, match=r"more than 268435456 bytes with 4\.bin"):
        file_limits.check_sizes(sizes, "here")


@pytest.mark.parametrize("name", ["bundle.json", "calibration.json", "clinical.json"])
def test_a_name_that_occurs_twice_in_a_json_file_is_refused(tmp_path: Path, name: str) -> None:
    folder = write_bundle(tmp_path / "b")
    content = (folder / name).read_bytes().rstrip()
    first = next(iter(json.loads(content)))
    twice = content[:-1] + f', "{first}": 1}}'.encode()
    if name == "bundle.json":
        (folder / name).write_bytes(twice)
    else:
        folder = write_bundle(tmp_path / "c", {name: twice})
        assert json.loads((folder / "bundle.json").read_bytes())["files"][name] == sha256(twice)
    with pytest.raises(BadBundleError, match=f'{name} of .* is not understood: it says "{first}" more than once'):
        verify(folder)
