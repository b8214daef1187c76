"""`medulla erase` in a folder says what became of the case."""

from pathlib import Path

import pytest

from shared.blob.folder import FolderStore
from tests.support.command_line import medulla


def test_erasing_a_case_of_which_nothing_is_stored_says_so(tmp_path: Path) -> None:
    FolderStore(tmp_path).put("slides/MB-1/a.svs", b"a")
    known = medulla("erase", "MB-1", "--watch", tmp_path)
    assert known.stdout == "Case MB-1: erased.\n"
    misspelt = medulla("erase", "MB-11", "--watch", tmp_path)
    assert misspelt.exit_code == 0
    assert misspelt.stdout.startswith("Case MB-11: erased, although nothing was stored of it")
    assert "--lift" in misspelt.stdout


@pytest.mark.parametrize("options", [(), ("--lift",)])
def test_a_name_that_is_no_case_id_is_refused_with_what_an_id_looks_like(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    refused = medulla("erase", "../MB-1", "--watch", tmp_path, *options)
    assert refused.exit_code == 1
    assert refused.stderr == (
        "medulla: '../MB-1' in the command line is not a pseudonym [bad_case_id]. "
        "Name the case by its id, 1 to 64 of A-Z a-z 0-9 . _ -, the first no dot.\n"
    )
