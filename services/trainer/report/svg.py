"""Charts as SVG text, no library: axes, lines, points with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise

INK, FAINT, GRID = "#1a1a1a", "#6b6b6b", "#e4e1da"
COLOURS = {
    "primary": ("#0b5fa5",),
    "baseline": ("#b4500b",),
    "record": ("#7a7a00",),
    "alone": ("#6a3d9a", "#00838f", "#9c2f5b", "#4e6b2f", "#5d4037", "#3f51b5"),
    "rule": ("#2e7d32",),
    "trees": ("#8d5a2b",),
    "early_concat": ("#00796b",),
    "gated": ("#ad1457",),
    "high risk": ("#b4500b",),
    "low risk": ("#0b5fa5",),
    "before": ("#b4500b",),
    "after": ("#0b5fa5",),
}
"""By the role of an arm or group; where several have one role, in turn."""
SIMULATED = "SIMULATED"


def colour(role: str, number: int = 0) -> str:
    """The colour of a role; of several with the same role that of `number`."""
    shades = COLOURS.get(role, (FAINT,))
    return shades[number % len(shades)]


@dataclass(frozen=True)
class Axis:
    """One axis: its range, its ticks, what it shows."""

    low: float
    high: float
    ticks: Sequence[float]
    label: str

    def place(self, value: float, start: float, end: float) -> float:
        """Where a value lies between two ends."""
        return start + (value - self.low) / (self.high - self.low) * (end - start)


@dataclass
class Chart:
    """A plot area with axes; the parts are added in the order they are drawn."""

    x: Axis
    y: Axis
    title: str
    simulated: bool
    width: int = 460
    height: int = 340
    left: int = 64
    bottom: int = 46
    parts: list[str] = field(default_factory=list)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A point in the picture's pixels; beyond the axes it stays on the edge."""
        inside_x = min(max(x, self.x.low), self.x.high)
        inside_y = min(max(y, self.y.low), self.y.high)
        return (
            self.x.place(inside_x, self.left, self.width - 14),
            self.y.place(inside_y, self.height - self.bottom, 26),
        )

    def line(
        self, points: Sequence[tuple[float, float]], stroke: str, *, dashed: bool = False, step: bool = False
    ) -> None:
        """A line through points, or a staircase."""
        places = [self.at(*point) for point in points]
        if step:
            places = [corner for a, b in pairwise(places) for corner in (a, (b[0], a[1]))] + places[-1:]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{stroke}" stroke-width="1.8"{dash}/>')

    def band(
        self, points: Sequence[tuple[float, float | None, float | None]], fill: str, *, step: bool = False
    ) -> None:
        """A pale area between two ends (x, low, high); what has no ends is left out."""
        known = [(x, lo, hi) for x, lo, hi in points if lo is not None and hi is not None]
        sides = [[self.at(x, end) for x, end in ((p[0], p[side]) for p in known)] for side in (1, 2)]
        if step:
            sides = [[corner for a, b in pairwise(side) for corner in (a, (b[0], a[1]))] + side[-1:] for side in sides]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*sides[0], *reversed(sides[1])])
        self.parts.append(f'<polygon points="{path}" fill="{fill}" fill-opacity="0.13"/>')

    def whisker(self, x: float, low: float | None, high: float | None, stroke: str) -> None:
        """An upright interval; nothing where its ends are unknown."""
        if low is not None and high is not None:
            (px, a), (_, b) = self.at(x, low), self.at(x, high)
            ends = f'x1="{px:.1f}" y1="{a:.1f}" x2="{px:.1f}" y2="{b:.1f}"'
            self.parts.append(f'<line {ends} stroke="{stroke}" stroke-width="1.2"/>')

    def dot(self, x: float, y: float, fill: str, radius: float = 4) -> None:
        """A point."""
        px, py = self.at(x, y)
        self.parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="{radius:.1f}" fill="{fill}"/>')

    def words(self, x: float, y: float, label: str, fill: str = INK, anchor: str = "start") -> None:
        """Text at pixels."""
        self.parts.append(text(x, y, label, fill=fill, anchor=anchor))

    def legend(self, names: Sequence[tuple[str, str]], *, low: bool = False) -> None:
        """Names with their colours, in the upper right corner or the lower one."""
        start = self.height - self.bottom - 16 * len(names) if low else 40
        for i, (name, fill) in enumerate(names):
            y = start + 16 * i
            x = self.width - 18
            self.parts.append(
                f'<line x1="{x - 14}" y1="{y - 4}" x2="{x}" y2="{y - 4}" stroke="{fill}" stroke-width="3"/>'
            )
            self.words(x - 20, y, name, fill, "end")

    def render(self) -> str:
        """The picture."""
        return picture(self.width, self.height, self.title, [*self._frame(), *self.parts], simulated=self.simulated)

    def _frame(self) -> list[str]:
        right, floor = self.width - 14, self.height - self.bottom
        parts = []
        for tick in self.x.ticks:
            px, _ = self.at(tick, self.y.low)
            parts.append(f'<line x1="{px:.1f}" y1="26" x2="{px:.1f}" y2="{floor}" stroke="{GRID}"/>')
            parts.append(text(px, floor + 16, f"{tick:g}", fill=FAINT, anchor="middle"))
        for tick in self.y.ticks:
            _, py = self.at(self.x.low, tick)
            parts.append(f'<line x1="{self.left}" y1="{py:.1f}" x2="{right}" y2="{py:.1f}" stroke="{GRID}"/>')
            parts.append(text(self.left - 7, py + 4, f"{tick:g}", fill=FAINT, anchor="end"))
        parts.append(text((self.left + right) / 2, self.height - 8, self.x.label, anchor="middle"))
        middle = (26 + floor) / 2
        label = text(0, 0, self.y.label, anchor="middle")
        parts.append(f'<g transform="translate(15 {middle:.1f}) rotate(-90)">{label}</g>')
        return parts


def text(x: float, y: float, label: str, *, fill: str = INK, anchor: str = "start", bold: bool = False) -> str:
    """Text at pixels."""
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" text-anchor="{anchor}"{weight}>{escape(label)}</text>'


def picture(width: int, height: int, title: str, parts: Sequence[str], *, simulated: bool) -> str:
    """A whole SVG with its title, marked where the patients never lived."""
    named = f"{SIMULATED}: {title}" if simulated else title
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(named)}" font-family="system-ui, sans-serif" font-size="12">'
    )
    return "\n".join([head, f"<title>{escape(named)}</title>", text(8, 16, named, bold=True), *parts, "</svg>"]) + "\n"
