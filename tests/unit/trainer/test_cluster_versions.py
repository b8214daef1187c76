"""Workers of a cluster have the versions that figures depend on; torch counts where both sides have it."""

import pytest

from services.trainer.cluster import differing

_OURS = {"Python": "3.11.9", "numpy": "2.4.0", "torch": "2.13.0"}


@pytest.mark.parametrize(
    ("theirs", "differs"),
    [
        ({}, []),
        ({"numpy": "2.3.0"}, ["numpy"]),
        ({"torch": "2.13.0+cpu"}, ["torch"]),
    ],
)
def test_what_differs_is_named(theirs: dict[str, str], differs: list[str]) -> None:
    assert differing(_OURS, {**_OURS, **theirs}) == differs


def test_torch_counts_only_where_both_have_it() -> None:
    without = {name: version for name, version in _OURS.items() if name != "torch"}
    assert differing(_OURS, without) == []
    assert differing(without, _OURS) == []
    assert differing(_OURS, {}) == ["Python", "numpy"]
