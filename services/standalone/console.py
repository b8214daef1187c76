"""Output of a command: tables and sentences for people, JSON for programs, progress bars only on a terminal."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.standalone.advice import explain_here
from services.standalone.errors import unforeseen
from services.standalone.interrupt import stoppable
from services.standalone.late_ending import LateEnding
from shared.errors import MedullaError, TransientError
from shared.exit_codes import AT_FAULT, DEPENDENCY_DOWN, STOPPED, exit_code
from shared.missing_library import installer
from shared.progress import Advance

_DAY = 86400.0
"""Seconds from which the remaining time is estimated: one step may take longer than the usual half minute."""
_QUIET_S = 5.0
"""Shorter work prints no progress lines."""

_errors = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    say(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False))


def say(text: str) -> None:
    """Print lines on standard output and flush, since a command may run long after them."""
    sys.stdout.write(text.encode(errors="backslashreplace").decode() + "\n")
    sys.stdout.flush()


def one_line(text: str) -> str:
    """Text without control sequences and line breaks, which file names may contain."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def note(text: str) -> None:
    """Lines for people in addition to the result, on standard error."""
    _errors.print(text, markup=False)


@contextmanager
def exit_codes(*, goes_on: bool = False, stopped_code: int = STOPPED) -> Iterator[None]:
    """Turn our errors into one sentence and the exit code of the contract; `goes_on`: a stopped command resumes."""
    stopped = f"Stopped. Nothing is half-written; the same command {'goes on from here' if goes_on else 'starts anew'}."
    ending = LateEnding(lambda: complain(stopped), stopped_code)
    try:
        with ending.after_ctrl_c(), _errors_as_sentences():
            yield
    except KeyboardInterrupt:
        ending.announce()
        raise typer.Exit(stopped_code) from None


@contextmanager
def loading() -> Iterator[None]:
    """Load what a command runs: a missing library is named, and Ctrl-C ends the process at once."""
    with _errors_as_sentences(), stoppable():
        yield


@contextmanager
def _errors_as_sentences() -> Iterator[None]:
    try:
        yield
    except (MedullaError, OSError) as error:
        _fail(explain_here(error), exit_code(error))
    except ModuleNotFoundError as error:
        _fail(explain_here(_not_installed(error)), DEPENDENCY_DOWN)
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:  # noqa: BLE001 - a bug is reported as a sentence, as any other error
        _fail(explain_here(unforeseen(error)), AT_FAULT)


def _not_installed(error: ModuleNotFoundError) -> TransientError:
    needs = f"this command needs {error.name}, which is not installed"
    return TransientError(f"{needs}: {installer(error.name or '')} brings it.")


@contextmanager
def progress(label: str) -> Iterator[Advance]:
    """A progress bar with time left on a terminal; elsewhere, after some seconds, a line at each tenth."""
    if _errors.is_terminal and _errors.file.isatty():  # FORCE_COLOR, as notebooks set it, makes no terminal
        with _bar(label) as advance:
            yield advance
    else:
        yield _Lines(label)


@contextmanager
def _bar(label: str) -> Iterator[Advance]:
    label_column = TextColumn("{task.description}", markup=False)
    columns = (label_column, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_errors, transient=True, speed_estimate_period=_DAY) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _Lines:
    """Progress as a few lines of text, for logs."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._tenth = -1
        self._began = time.monotonic()
        self._first: tuple[int, float] | None = None

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        self._first = self._first or (done, now)
        tenth = 10 * done // max(total, 1)
        if tenth > self._tenth and now - self._began > _QUIET_S:
            self._tenth = tenth
            line = f"{self._label}: {done} of {total}{self._remaining_time(done, total, now)}"
            _errors.print(line, markup=False)

    def _remaining_time(self, done: int, total: int, now: float) -> str:
        """The remaining time at the pace since the first call, if it is a minute or more."""
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
