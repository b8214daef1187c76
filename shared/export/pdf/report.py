"""Typesets the pages with Typst as PDF/UA-1: tagged, with language, title and alternative texts.

The fonts are those inside Typst, and its time is the score's, so that the same score gives the same bytes.
"""

import json
from dataclasses import asdict
from pathlib import Path

import typst

from shared.export.exported_case import ExportedCase
from shared.export.pdf.content import content

_GLYPHS = (
    range(0x20, 0x7F),
    range(0xA0, 0x250),
    range(0x370, 0x500),
    range(0x1E00, 0x1F00),
    range(0x200B, 0x200C),
    range(0x2010, 0x2028),
    range(0x2030, 0x2041),
    range(0x2070, 0x2300),
)
"""Latin, Greek, Cyrillic, punctuation and mathematics."""
_TEMPLATE = Path(__file__).parent / "report.typ"


def pdf_report(case: ExportedCase) -> bytes:
    """A score as a PDF of two pages of A4.

    Raises:
        BrokenMapError: a stored map or thumbnail is damaged.
    """
    text = json.dumps(_typeset(asdict(content(case))), default=list, ensure_ascii=False)
    return typst.compile(
        _TEMPLATE.read_bytes(),
        format="pdf",
        ignore_system_fonts=True,
        sys_inputs={"content": text},
        pdf_standards=["ua-1"],
        timestamp=int(case.dated.timestamp()),
    )


def _typeset(value: object) -> object:
    """The content with every text in characters that the font has."""
    if isinstance(value, str):
        return "".join(map(_glyph, value))
    if isinstance(value, dict):
        return {name: _typeset(entry) for name, entry in value.items()}
    return list(map(_typeset, value)) if isinstance(value, list | tuple) else value


def _glyph(character: str) -> str:
    """The character, or its number where the font has no glyph, which the standard forbids."""
    number = ord(character)
    if any(number in glyphs for glyphs in _GLYPHS):
        return character
    return " " if character.isspace() else f"⟨U+{number:04X}⟩"
