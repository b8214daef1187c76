"""The flow of patients: how many the table holds, which blocks are known, and how many had the event."""

from textwrap import wrap

from services.trainer.report.names import counted, shown_blocks
from services.trainer.report.svg import FAINT, GRID, INK, picture, text
from services.trainer.report_model.report import Report

_WIDTH, _TOP, _SECOND, _HEIGHT = 860, 32, 128, 236
_MOST, _LETTER = 4, 7.2
"""Boxes in a row, and the width of a bold letter."""


def flow(report: Report) -> str:
    """The whole table above, a box below for each choice of blocks that is known of some patients."""
    parts = _parts(report)
    drawn = _box(4, _TOP, 852, 52, [f"{report.cohort.n} patients in the table, all analysed"], [counted(report)])
    gap = 12
    width = (_WIDTH - gap * (len(parts) - 1) - 8) / len(parts)
    for i, (name, patients, with_event) in enumerate(parts):
        left = 4 + i * (width + gap)
        middle = left + width / 2
        drawn.append(f'<path d="M430 84 V106 H{middle:.1f} V{_SECOND}" fill="none" stroke="{FAINT}"/>')
        heads = wrap(name, max(12, int(width / _LETTER) - 3))
        drawn += _box(left, _SECOND, width, 90, heads, [f"{patients} patients", f"{with_event} with the event"])
    title = "Flow of patients: what is known of whom, each served by the model of that"
    return picture(_WIDTH, _HEIGHT, title, drawn, simulated=report.simulated)


def _parts(report: Report) -> list[tuple[str, int, int]]:
    """Name, patients and events; the smallest groups are put together where there are many."""
    ordered = sorted(report.modalities, key=lambda modality: -modality.n)
    named = [(shown_blocks(modality.name, report), modality.n, modality.events) for modality in ordered]
    if len(named) <= _MOST:
        return named
    rest = named[_MOST - 1 :]
    return [*named[: _MOST - 1], (f"{len(rest)} others", sum(n for _, n, _ in rest), sum(e for _, _, e in rest))]


def _box(x: float, y: float, width: float, height: float, heads: list[str], others: list[str]) -> list[str]:
    frame = f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{height}" rx="4" fill="#fff" stroke="{GRID}"/>'
    lines = [*heads, *others]
    start = y + height / 2 - 8 * (len(lines) - 1) + 4
    words = [
        text(
            x + width / 2,
            start + 17 * i,
            line,
            fill=INK if i < len(heads) else FAINT,
            anchor="middle",
            bold=i < len(heads),
        )
        for i, line in enumerate(lines)
    ]
    return [frame, *words]
