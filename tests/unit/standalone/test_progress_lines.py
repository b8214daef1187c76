"""Progress without a terminal: a few lines, with the time left where it is long."""

from types import SimpleNamespace

import pytest

from services.standalone import console


def test_the_time_left_is_told_from_the_pace_since_the_first_call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 10.0, 130.0, 210.0, 410.0])
    monkeypatch.setattr(console, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with console.progress("folds") as advance:
        for done in (5, 6, 7, 10):  # five were done by an earlier run
            advance(done, 10)
    assert capsys.readouterr().err.splitlines() == [
        "folds: 5 of 10",
        "folds: 6 of 10, about 8 min left",
        "folds: 7 of 10, about 5 min left",
        "folds: 10 of 10",
    ]
