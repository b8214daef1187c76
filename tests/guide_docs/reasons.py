"""The page of reason codes: what each means and what to do, from the error classes."""

from collections.abc import Iterator
from importlib import import_module

from shared.errors import PermanentError
from tests.guide_docs.markdown import GENERATED, code, table
from tests.support.checkout import CHECKOUT

_HEAD = f"""# Reason codes

{GENERATED}

What cannot be used is refused with one sentence, a reason code and what to do. The same codes are in dead letters,
`failures.csv`,
`scores.csv`, problems of the REST API, and logs. A code may be given at several places; the table has a row for
each. Codes that other
programs compare with do not change their meaning.

"""
_MARK = "    reason = "


def page() -> str:
    """Markdown of all reason codes, in alphabetical order."""
    return _HEAD + table(("code", "when", "what to do"), sorted(rows()))


def rows() -> Iterator[tuple[str, str, str]]:
    """Code, meaning and advice of every error that has all three."""
    for module in _modules():
        import_module(module)
    for error in set(_below(PermanentError)):
        if error.__doc__ and hasattr(error, "reason") and hasattr(error, "advice"):
            yield code(error.reason), error.__doc__.split("\n\n")[0], error.advice


def _modules() -> Iterator[str]:
    """Modules that define reason codes."""
    for package in ("services", "shared"):
        for path in sorted((CHECKOUT / package).rglob("*.py")):
            if _MARK in path.read_text(encoding="utf-8"):
                yield ".".join(path.relative_to(CHECKOUT).with_suffix("").parts)


def _below(error: type[PermanentError]) -> Iterator[type[PermanentError]]:
    for each in error.__subclasses__():
        if each.__module__.startswith(("services.", "shared.")):
            yield each
        yield from _below(each)
