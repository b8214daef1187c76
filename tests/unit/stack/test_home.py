"""The home keeps whole installations only, and refuses to be somebody else's."""

from pathlib import Path

import pytest

from tests.stack.home import StackError, home, install_once


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("MEDULLA_HOME", str(folder))
    return folder


def _fail(folder: Path) -> None:
    (folder / "half").touch()
    raise StackError("The network is gone.")


def test_a_part_is_built_once() -> None:
    built: list[Path] = []
    first = install_once("part-1", built.append)
    assert install_once("part-1", built.append) == first
    assert len(built) == 1


def test_a_failed_installation_leaves_nothing_behind(own_home: Path) -> None:
    with pytest.raises(StackError, match="network"):
        install_once("part-1", _fail)
    assert not (own_home / "part-1").exists()
    assert list((own_home / "partial").iterdir()) == []


def test_a_home_that_is_a_link_is_refused(own_home: Path, tmp_path: Path) -> None:
    own_home.symlink_to(tmp_path)
    with pytest.raises(StackError, match="belongs to somebody else"):
        home()
