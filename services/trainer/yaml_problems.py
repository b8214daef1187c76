"""What pydantic refuses of a profile or map, in plain words and with the place in the file."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from shared.words import counted

Context = Mapping[str, Any]
_ALLOWED = "allowed is "
_MESSAGES: Mapping[str, Callable[[Context], str]] = {
    "missing": lambda _: "is missing",
    "extra_forbidden": lambda _: "nothing of this name belongs here",
    "value_error": lambda context: str(context["error"]),
    "literal_error": lambda context: f"{_ALLOWED}{context['expected']}",
    "string_type": lambda _: f"{_ALLOWED}text",
    "string_pattern_mismatch": lambda context: f"{_ALLOWED}text of the form {context['pattern']}",
    "string_too_short": lambda context: f"{_ALLOWED}text of {counted(context['min_length'], 'character')} at least",
    "string_too_long": lambda context: f"{_ALLOWED}text of {counted(context['max_length'], 'character')} at most",
    "too_short": lambda context: f"needs {counted(context['min_length'], 'entry', 'entries')} at least",
    "too_long": lambda context: f"may have {counted(context['max_length'], 'entry', 'entries')} at most",
    "finite_number": lambda _: f"{_ALLOWED}a finite number",
    "greater_than": lambda context: f"{_ALLOWED}a number above {context['gt']:g}",
    "greater_than_equal": lambda context: f"{_ALLOWED}a number of at least {context['ge']:g}",
    "less_than_equal": lambda context: f"{_ALLOWED}a number of at most {context['le']:g}",
    **dict.fromkeys(("bool_type", "bool_parsing"), lambda _: f"{_ALLOWED}true or false"),
    **dict.fromkeys(("float_type", "float_parsing"), lambda _: f"{_ALLOWED}a number"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), lambda _: f"{_ALLOWED}a whole number"),
    **dict.fromkeys(("tuple_type", "list_type"), lambda _: f"{_ALLOWED}a list"),
    **dict.fromkeys(("dict_type", "model_type"), lambda _: f"{_ALLOWED}a mapping of names to values"),
}
"""By the type of pydantic's error; its own words stand for others."""


def yaml_problems(error: ValidationError, content: Any) -> list[str]:
    """Every problem with its place; a problem that follows from another within the same list is left out.

    `content` is the document that was refused.
    """
    by_place: dict[str, list[str]] = {}
    for item in error.errors(include_url=False):
        place = _place(item["loc"], content, is_missing=item["type"] == "missing")
        by_place.setdefault(place, []).append(_message(item["type"], item.get("ctx", {}), item["msg"]))
    causes = [place for place in by_place if not any(other.startswith(f"{place}.") for other in by_place)]
    return [f"{place}: {_alternatives(by_place[place])}".removeprefix(": ") for place in causes]


def _place(location: tuple[int | str, ...], content: Any, *, is_missing: bool) -> str:
    """Names and numbers of entries of the document, without pydantic's names of alternatives."""
    steps = []
    for step in location:
        if _has(content, step):
            content = content[step]
        elif not is_missing:
            continue
        steps.append(str(step))
    return ".".join(steps)


def _has(content: Any, step: int | str) -> bool:
    if isinstance(content, dict):
        return step in content
    return isinstance(content, list) and isinstance(step, int) and step < len(content)


def _message(kind: str, context: Context, words: str) -> str:
    return _MESSAGES[kind](context) if kind in _MESSAGES else words


def _alternatives(messages: list[str]) -> str:
    """One sentence for a value that fits none of several forms."""
    first, *others = dict.fromkeys(messages)
    return " or ".join([first, *(message.removeprefix(_ALLOWED) for message in others)])
