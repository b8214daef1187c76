"""Markdown of generated pages: tables whose cells hold any text."""

import re
from collections.abc import Iterable, Sequence

GENERATED = "*Generated from the code by `make docs`; do not edit.*"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; bars and line breaks in cells are escaped."""
    lines = (header, ["---"] * len(header), *rows)
    return "".join(f"| {' | '.join(map(cell, line))} |\n" for line in lines)


def cell(text: str) -> str:
    """Text on one line, in which a bar separates no cells."""
    return " ".join(text.split()).replace("|", "\\|")


def comment_text(comment: str) -> str:
    """A comment of a .proto file as the text of a cell, without its slashes."""
    return cell(re.sub(r"^ *// ?", "", comment, flags=re.MULTILINE))


def code(text: str) -> str:
    """Text as code; empty for none."""
    return f"`{text}`" if text else ""
