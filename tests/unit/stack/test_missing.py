"""A missing library skips tests at home and fails them in CI."""

import pytest

from tests.support.missing import optional_library


@pytest.mark.parametrize(("ci", "ended_by"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_a_missing_library_is_named_with_its_group(
    monkeypatch: pytest.MonkeyPatch, ci: str, ended_by: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(ended_by, match="no_such_library is not installed; it is in the group `train`"):
        optional_library("no_such_library", "train")


def test_an_installed_library_is_given() -> None:
    assert optional_library("json", "train").loads("1") == 1
