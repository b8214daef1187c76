"""Text that anything can carry: no control characters, no lone surrogates, of bounded length."""

import re

LONGEST = 2_000
"""Characters of a sentence or advice that is published."""

_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and newline, those that turn the direction of writing, and lone surrogates."""


def clean(text: str) -> str:
    """Replace every character that a terminal, protobuf or UTF-8 does not take."""
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", text)


def capped(text: str, longest: int = LONGEST) -> str:
    """Clean a text and cut it to `longest` characters; where something was cut it ends in an ellipsis."""
    return clean(text if len(text) <= longest else text[: longest - 1] + "…")
