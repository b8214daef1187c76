"""The page of Python: the functions and classes of `import medulla`, from their signatures and docstrings."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator

import medulla

from tests.guide_docs.markdown import GENERATED, cell, code, table

_HEAD = f"""# Python

{GENERATED}

`import medulla` loads nothing; a name imports what it needs when it is first used. The page
[In Python](../in-python.md) shows them at work, and so do the [notebooks](../in-python.md#notebooks).
"""
_RAISES = re.compile(r"^    (\S+): (.*?)(?=^    \S+: |\Z)", re.MULTILINE | re.DOTALL)


def page() -> str:
    """Markdown of every public name, and of the errors that they raise."""
    names = {name: getattr(medulla, name) for name in medulla.__all__}
    sections = (section for name, value in names.items() for section in _described(name, value))
    errors = ((code(name), _first(getattr(medulla.errors, name))) for name in medulla.errors.__all__)
    return _HEAD + "".join(sections) + "\n## medulla.errors\n\n" + table(("name", "what"), errors)


def _described(name: str, value: object) -> Iterator[str]:
    if inspect.isfunction(value):
        yield f"\n## medulla.{name}\n\n{_signature(name, value)}{_text(value)}"
    elif inspect.isclass(value) and value is not medulla.MedullaError:
        yield f"\n## medulla.{name}\n\n{_text(value)}"
        for method in _methods(value):
            yield f"\n### {name}.{method.__name__}\n\n{_signature(f'{name}.{method.__name__}', method)}{_text(method)}"


def _methods(kind: type) -> list[Callable[..., object]]:
    """Functions and constructors that a class itself defines for others."""
    own = (value.__func__ if isinstance(value, classmethod) else value for value in vars(kind).values())
    return [each for each in own if inspect.isfunction(each) and not each.__name__.startswith("_")]


def _signature(name: str, function: Callable[..., object]) -> str:
    (parsed,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    if not isinstance(parsed, ast.FunctionDef) or parsed.returns is None:
        raise TypeError(f"{name} has no return type")
    parameters = ast.unparse(parsed.args).removeprefix("cls, ").removeprefix("self, ")
    answer = ast.unparse(parsed.returns).strip("'")
    return f"```python\nmedulla.{name}({parameters}) -> {answer}\n```\n\n"


def _text(value: object) -> str:
    """A docstring: examples as code, errors as a list."""
    return "\n\n".join(map(_paragraph, (inspect.getdoc(value) or "").split("\n\n"))) + "\n"


def _paragraph(text: str) -> str:
    if text.startswith(">>>"):
        return f"```python\n{text}\n```"
    if text.startswith("Raises:"):
        return "Raises:\n\n" + "\n".join(f"- {code(name)}: {cell(what)}" for name, what in _RAISES.findall(text))
    return text


def _first(value: object) -> str:
    return (inspect.getdoc(value) or "").split("\n\n")[0]
