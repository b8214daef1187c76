"""Words as people write them: compared without regard to case and dashes, and shown so that any log takes them."""

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from shared.text import LONGEST

_SHOWN = 40
_LONGEST_PROBLEM = 600
_DASHES = re.compile("[\u00ad\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d]")
_BLANKS = re.compile(r"[\s_]+")
_AROUND_MARKS = re.compile(r" ?([/,;:()]) ?")
_BESIDE_LETTER = re.compile(r"(?<=[^\W\d])[ -]+(?=\w)|(?<=\d)[ -]+(?=[^\W\d])")


def normalised(text: str) -> str:
    """A word for comparison: `Group_3`, `group 3`, `GROUP-3` and `Group3` are one, `M0/M1` and `M0 / M1` too.

    Unicode's compatible form without case; every dash as `-`, runs of blanks and `_` as one blank; no blanks around
    / , ; : ( ) and no blank or dash between letters, or a letter and a digit. A sign before a number stays, and `3-4`.
    """
    dashed = _DASHES.sub("-", text)
    spaced = _BLANKS.sub(" ", unicodedata.normalize("NFKC", dashed)).strip().casefold()
    return _BESIDE_LETTER.sub("", _AROUND_MARKS.sub(r"\1", spaced))


def shown(value: Any, most: int = _SHOWN) -> str:
    """A value as JSON shows it, cut to `most` characters, with escapes for what cannot be printed or encoded."""
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "an object"
    text = value[: most + 1] if isinstance(value, str) else value
    encoded = json.dumps(text, ensure_ascii=False, default=str)
    if len(encoded) <= most:
        return printable(encoded)
    return printable(encoded[: most - 2] + ('…"' if isinstance(value, str) else "…"))


def counted(number: int, singular: str, plural: str = "") -> str:
    """A number with its noun: `1 case`, `2 cases`; `plural` where no `s` makes it."""
    return f"{number} {singular if number == 1 else plural or f'{singular}s'}"


def listed(words: Sequence[str], conjunction: str = "and") -> str:
    """Words as a sentence lists them: `a`, `a and b`, `a, b and c`; empty without any."""
    return f" {conjunction} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def printable(text: str) -> str:
    """The text with escapes in place of line breaks, control characters, lone surrogates and the like."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def sentence(problems: Sequence[str]) -> str:
    """The first problems, as many as a sentence holds, and how many more there are."""
    listed: list[str] = []
    for problem in problems:
        listed.append(problem if len(problem) <= _LONGEST_PROBLEM else problem[: _LONGEST_PROBLEM - 1] + "…")
        if sum(map(len, listed)) > LONGEST - 2 * _LONGEST_PROBLEM:
            break
    more = [f"and {len(problems) - len(listed)} more"] if len(problems) > len(listed) else []
    return "; ".join([*listed, *more])
