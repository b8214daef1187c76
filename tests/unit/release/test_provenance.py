"""A release is what its key's owner signed: every altered, missing or added file is named."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.model.signature import private_key, public_key
from tests.release.provenance import PROVENANCE, BadReleaseError, Source, digests, signed, verify
from tests.support.signing import pair

PRIVATE, PUBLIC = pair()
SOURCE = Source("urn:medulla:source", "c" * 40, {"uv.lock": "d" * 64})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A release of two files."""
    for name in ("a.whl", "b.tgz"):
        (tmp_path / name).write_text(name)
    (tmp_path / PROVENANCE).write_bytes(signed(digests(list(tmp_path.iterdir())), SOURCE, private_key(PRIVATE)))
    return tmp_path


def test_a_release_as_it_was_signed_passes(folder: Path) -> None:
    assert set(verify(folder, public_key(PUBLIC))) == {"a.whl", "b.tgz"}


ATTACKS: dict[str, Callable[[Path], object]] = {
    "a.whl": lambda folder: (folder / "a.whl").write_text("another"),
    "b.tgz": lambda folder: (folder / "b.tgz").unlink(),
    "c.sh": lambda folder: (folder / "c.sh").write_text("added"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_file_that_differs_from_the_statement_is_named(folder: Path, name: str) -> None:
    ATTACKS[name](folder)
    with pytest.raises(BadReleaseError, match=f"not of the release: {name}$"):
        verify(folder, public_key(PUBLIC))


def test_an_image_is_released_with_the_files_and_lies_in_no_folder(folder: Path) -> None:
    """Who pulls it compares the digest; a file of such a name would not be of the release."""
    released = digests([folder / "a.whl", folder / "b.tgz"]) | {"oci://r/medulla/tiler": "e" * 64}
    (folder / PROVENANCE).write_bytes(signed(released, SOURCE, private_key(PRIVATE)))
    assert verify(folder, public_key(PUBLIC)) == released


def test_a_statement_of_another_key_or_an_altered_one_is_refused(folder: Path) -> None:
    with pytest.raises(BadReleaseError, match="not signed with this key"):
        verify(folder, public_key(pair()[1]))
    envelope = json.loads((folder / PROVENANCE).read_bytes())
    attempts: list[object] = [{**envelope, "payload": "e30="}, {**envelope, "signatures": []}, {}, []]
    for altered in attempts:
        (folder / PROVENANCE).write_text(json.dumps(altered))
        with pytest.raises(BadReleaseError, match="not signed with this key"):
            verify(folder, public_key(PUBLIC))
