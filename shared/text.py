"""Text that is safe for logs, messages and terminals: no control characters or lone surrogates, of bounded length."""

import re

LONGEST = 2_000
"""Characters of a sentence or advice that is published."""

_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters except tab and newline, bidirectional controls, and lone surrogates."""


def clean(text: str) -> str:
    """Replace every character that a terminal, protobuf or UTF-8 rejects."""
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", text)


def capped(text: str, longest: int = LONGEST) -> str:
    """Clean a text and cut it to `longest` characters, with an ellipsis if it was cut."""
    return clean(text if len(text) <= longest else text[: longest - 1] + "…")
