"""Rows of figures, each with its alternative, and a table of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

_HEADINGS = ("what", "ours", "the alternative", "", "ratio", "ratio by CPU time")


@dataclass(frozen=True, slots=True)
class Spread:
    """Median of some repeats, with the least and the greatest."""

    median: float
    lo: float
    hi: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread | None":
        """The spread of values; None where there are none."""
        return cls(median(values), min(values), max(values)) if values else None

    def __str__(self) -> str:
        if self.lo == self.hi:
            return figure(self.median)
        return f"{figure(self.median)} ({figure(self.lo)}-{figure(self.hi)})"


def figure(value: float) -> str:
    """Three significant digits, or all of a longer whole number."""
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:.{digits}f}"


def ratios(ours: Sequence[float], other: Sequence[float]) -> list[float]:
    """Ours by the other's, repeat by repeat, so that what slowed both down cancels; empty where one was not measured.

    Raises:
        ValueError: both were measured, not equally often.
    """
    return [a / b for a, b in zip(ours, other, strict=True)] if ours and other else []


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison; where it is of rates a ratio above 1 means that ours is faster, of times that it is slower."""

    what: str
    unit: str
    ours: Sequence[float]
    against: str = ""
    other: Sequence[float] = ()
    cpu: Sequence[float] = ()
    """Ratios of what a second of CPU time gives, where this process does all the work: other programs spare them."""
    compared: bool = True
    """Whether the ratio says anything."""

    @property
    def ratio(self) -> Spread | None:
        """Ours by the alternative's."""
        return Spread.of(ratios(self.ours, self.other)) if self.compared else None

    def cells(self) -> tuple[str, ...]:
        """The row as text."""
        theirs = f"{_text(Spread.of(self.other))} {self.unit}" if self.other else ""
        ours = f"{_text(Spread.of(self.ours))} {self.unit}"
        return self.what, ours, self.against, theirs, _text(self.ratio), _text(Spread.of(self.cpu))

    def as_json(self) -> dict[str, object]:
        """The row for programs: every repeat."""
        measured = {"ours": list(self.ours), "other": list(self.other), "ratios": ratios(self.ours, self.other)}
        return {"what": self.what, "unit": self.unit, "against": self.against, **measured, "cpu_ratios": list(self.cpu)}


@dataclass(frozen=True, slots=True)
class Section:
    """Results of one theme."""

    title: str
    rows: Sequence[Row] = ()
    notes: Sequence[str] = field(default_factory=tuple)

    def as_json(self) -> dict[str, object]:
        """The section for programs."""
        return {"title": self.title, "rows": [row.as_json() for row in self.rows], "notes": list(self.notes)}


def render(sections: Sequence[Section]) -> str:
    """All sections below one heading, their columns aligned."""
    cells = [_HEADINGS, *(row.cells() for section in sections for row in section.rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEADINGS))]
    lines = [_line(_HEADINGS, widths), _line(["-" * width for width in widths], widths)]
    for section in sections:
        lines += ["", section.title]
        lines += [_line(row.cells(), widths) for row in section.rows]
        lines += [f"  {note}" for note in section.notes]
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _text(spread: Spread | None) -> str:
    return str(spread) if spread else ""
