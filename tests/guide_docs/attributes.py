"""What the code says of attributes: the string below each."""

import ast
import inspect
import textwrap
from itertools import pairwise


def attribute_docs(model: type) -> dict[str, str]:
    """The string below each attribute of a class, its bases included."""
    docs: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if each.__module__.startswith(("services.", "shared.")):
            docs |= _own_docs(each)
    return docs


def _own_docs(model: type) -> dict[str, str]:
    (parsed,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    body = parsed.body if isinstance(parsed, ast.ClassDef) else []
    pairs = pairwise(body)
    return {
        before.target.id: str(after.value.value)
        for before, after in pairs
        if isinstance(before, ast.AnnAssign)
        and isinstance(before.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    }
