"""`medulla erase` in a folder says what became of the case."""

from pathlib import Path

from shared.blob.folder import FolderStore
from tests.unit.standalone.test_commands import medulla


def test_erasing_a_case_of_which_nothing_is_stored_says_so(tmp_path: Path) -> None:
    FolderStore(tmp_path).put("slides/MB-1/a.svs", b"a")
    known = medulla("erase", "MB-1", "--watch", tmp_path)
    assert known.stdout == "Case MB-1: erased.\n"
    misspelt = medulla("erase", "MB-11", "--watch", tmp_path)
    assert misspelt.exit_code == 0
    assert misspelt.stdout.startswith("Case MB-11: erased, although nothing was stored of it")
    assert "--lift" in misspelt.stdout
