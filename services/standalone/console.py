"""What a command prints: tables and sentences for people, JSON for programs, progress bars only on a terminal."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.standalone.advice import explain_here
from services.standalone.errors import unforeseen
from services.standalone.late_ending import LateEnding
from shared import runtime
from shared.errors import MedullaError

_DAY = 86400.0
"""Seconds that the time left is estimated from: one step may take longer than the half minute that is usual."""
_QUIET_S = 5.0
"""Work that is done within that prints no progress lines."""
STOPPED = 130
"""Exit code after Ctrl-C, as of a program that the signal ended."""

Advance = Callable[[int, int], None]
"""Called with (done, total)."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_errors = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    say(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False))


def say(text: str) -> None:
    """Lines on standard output, at once: a command may go on for long after them."""
    sys.stdout.write(text.encode(errors="backslashreplace").decode() + "\n")
    sys.stdout.flush()


def one_line(text: str) -> str:
    """Text without control sequences and line breaks, which file names may contain."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def note(text: str) -> None:
    """Lines for people beside the result, on standard error."""
    _errors.print(text, markup=False)


@contextmanager
def exit_codes(*, goes_on: bool = False) -> Iterator[None]:
    """Turn our errors into one sentence and the exit code of the contract; `goes_on` where a stopped command does."""
    stopped = f"Stopped. Nothing is half-written; the same command {'goes on from here' if goes_on else 'starts anew'}."
    ending = LateEnding(lambda: complain(stopped), STOPPED)
    try:
        with ending.after_ctrl_c():
            yield
    except (MedullaError, OSError) as error:
        _fail(explain_here(error), runtime.exit_code(error))
    except KeyboardInterrupt:
        ending.say()
        raise typer.Exit(STOPPED) from None
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:  # noqa: BLE001 - a bug is told in a sentence, as any other error
        _fail(explain_here(unforeseen(error)), runtime.AT_FAULT)


@contextmanager
def progress(what: str) -> Iterator[Advance]:
    """A progress bar with time left on a terminal; elsewhere, after some seconds, a line at each tenth."""
    if _errors.is_terminal:
        with _bar(what) as advance:
            yield advance
    else:
        yield _Lines(what)


@contextmanager
def _bar(what: str) -> Iterator[Advance]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_errors, transient=True, speed_estimate_period=_DAY) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _Lines:
    """Progress as a few lines of text, for logs."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._tenth = -1
        self._began = time.monotonic()
        self._first: tuple[int, float] | None = None

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        self._first = self._first or (done, now)
        tenth = 10 * done // max(total, 1)
        if tenth > self._tenth and now - self._began > _QUIET_S:
            self._tenth = tenth
            _errors.print(f"{self._what}: {done} of {total}{self._left(done, total, now)}")

    def _left(self, done: int, total: int, now: float) -> str:
        """How long the rest will take at the pace since the first call, where that is a minute or more."""
        start, began = self._first or (done, now)
        minutes = (total - done) * (now - began) / (60 * (done - start)) if done > start else 0
        return f", about {minutes:.0f} min left" if minutes >= 1 else ""


def complain(sentence: str) -> None:
    """A line on standard error about one input, while the command goes on."""
    lines = "\n".join(map(one_line, sentence.split("\n")))
    _errors.print(f"medulla: {lines}", style="red" if _errors.is_terminal else None, markup=False)


def _fail(sentence: str, code: int) -> NoReturn:
    complain(sentence)
    raise typer.Exit(code)
