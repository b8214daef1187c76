"""Progress: a bar on a terminal; elsewhere a few lines, with the time left where it is long."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from services.standalone import console, slide_finding
from services.standalone.local_slides import SlideFile, slide_at
from shared.progress import Advance


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


class Terminal(io.StringIO):
    """A file that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("printed", [Terminal(), io.StringIO()])
def test_a_slide_name_with_square_brackets_is_printed_as_it_is(
    monkeypatch: pytest.MonkeyPatch, printed: io.StringIO
) -> None:
    monkeypatch.setattr(console, "_errors", Console(file=printed, width=80))
    monkeypatch.setattr(console, "_QUIET_S", -1.0)
    with console.progress("[/he] [red].svs, tiles") as advance:
        advance(1, 2)
    assert "[/he] [red].svs, tiles" in printed.getvalue()
    assert ("\x1b[" in printed.getvalue()) == printed.isatty()


def test_colour_that_is_forced_where_there_is_no_terminal_makes_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = io.StringIO()
    monkeypatch.setattr(console, "_errors", Console(file=printed, force_terminal=True, width=80))
    monkeypatch.setattr(console, "_QUIET_S", -1.0)
    with console.progress("folds") as advance:
        advance(2, 2)
    assert printed.getvalue().startswith("folds: ")
    assert "━" not in printed.getvalue()


def test_the_progress_of_inspect_counts_tiles_of_a_named_slide(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def look(slide: SlideFile, _mpp: object, _open: object, advance: Advance) -> slide_finding.Finding:
        advance(3, 3)
        return slide_finding.Finding(slide.path.name)

    monkeypatch.setattr(console, "_QUIET_S", -1.0)
    monkeypatch.setattr(slide_finding, "look", look)
    (tmp_path / "a.svs").write_bytes(b"bytes")
    slide_finding.find([slide_at(tmp_path / "a.svs")], None)
    assert capsys.readouterr().err == "a.svs, tiles: 3 of 3\n"
