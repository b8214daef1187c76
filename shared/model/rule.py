"""Readable expressions about a patient, such as `chang_m_stage > M0 or age_at_diagnosis_years < 3`.

Grammar: comparisons (== != < <= > >= in) of a variable with a number or a level, joined by and, or, not and brackets.
Words of an ordinal variable compare by their order. A comparison with a missing value is false.
`Rule.bounds` leaves it open instead, by Kleene's logic of three values (Introduction to Metamathematics 1952, § 64).
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from shared.arrays import Flags, Floats

Column = Callable[[str], Floats]
"""The values [n] of a variable by name: numbers, or the place of the level; NaN where missing."""

LONGEST = 1_000
"""Characters of an expression."""

_COMPARE: dict[type[ast.cmpop], Callable[[Floats, float], Flags]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class BadRuleError(ValueError):
    """An expression is not understood; the text says where."""


@dataclass(frozen=True)
class Rule:
    """A parsed expression."""

    text: str
    tree: ast.expr | None
    levels: Mapping[str, tuple[str, ...]]

    def __call__(self, column: Column) -> Flags:
        """Which patients [n] it holds for."""
        if self.tree is None:
            raise BadRuleError("there is no expression")
        return _holds(self.tree, column, self.levels)

    def bounds(self, column: Column) -> tuple[Flags, Flags]:
        """Which patients [n] it holds for whatever their missing values are, and which for some of them."""
        if self.tree is None:
            raise BadRuleError("there is no expression")
        return _bounds(self.tree, column, self.levels)

    @property
    def brief(self) -> str:
        """Its first clause, and whether there are others: `chang_m_stage > M0 or …`."""
        match self.tree:
            case ast.BoolOp(op=op, values=[first, *_]):
                return f"{ast.unparse(first)} {'and' if isinstance(op, ast.And) else 'or'} …"
        return self.text

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that it reads, in the order of their names."""
        nodes = ast.walk(self.tree) if self.tree else ()
        return tuple(sorted({node.id for node in nodes if isinstance(node, ast.Name) and node.id in self.levels}))


def parse_rule(text: str, levels: Mapping[str, tuple[str, ...]]) -> Rule:
    """Parse an expression and check every name in it; `levels` by variable, empty for numbers.

    Raises:
        BadRuleError: it has a name, a level or a form that is not known.
    """
    if not text.strip():
        return Rule("", None, levels)
    if len(text) > LONGEST:
        raise BadRuleError(f"an expression has {len(text)} characters; {LONGEST} are allowed")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise BadRuleError(f"the expression `{text}` is not understood") from error
    _holds(tree, lambda _: np.zeros(1), levels)
    return Rule(text, tree, levels)


def _holds(node: ast.expr, column: Column, levels: Mapping[str, tuple[str, ...]]) -> Flags:
    match node:
        case ast.BoolOp(op=op, values=parts):
            joined = np.logical_and if isinstance(op, ast.And) else np.logical_or
            return np.asarray(joined.reduce([_holds(clause, column, levels) for clause in parts]))
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return ~_holds(inner, column, levels)
        case ast.Compare(left=ast.Name(id=name), ops=[ast.In()], comparators=[ast.Tuple() | ast.List() as words]):
            return np.isin(_values(name, column, levels), [_constant(name, word, levels) for word in words.elts])
        case ast.Compare(left=ast.Name(id=name), ops=[op], comparators=[right]) if type(op) in _COMPARE:
            values = _values(name, column, levels)
            return _COMPARE[type(op)](values, _constant(name, right, levels)) & ~np.isnan(values)
    raise BadRuleError(f"`{ast.unparse(node)}` is no comparison of a variable with a value")


def _bounds(node: ast.expr, column: Column, levels: Mapping[str, tuple[str, ...]]) -> tuple[Flags, Flags]:
    match node:
        case ast.BoolOp(op=op, values=terms):
            joined = np.logical_and if isinstance(op, ast.And) else np.logical_or
            bounds = [_bounds(term, column, levels) for term in terms]
            certain, possible = (joined.reduce([bound[side] for bound in bounds]) for side in (0, 1))
            return np.asarray(certain), np.asarray(possible)
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            inner_certain, inner_possible = _bounds(inner, column, levels)
            return ~inner_possible, ~inner_certain
        case ast.Compare(left=ast.Name(id=name)):
            holds = _holds(node, column, levels)
            return holds, holds | np.isnan(column(name))
    raise BadRuleError(f"`{ast.unparse(node)}` is no comparison of a variable with a value")


def _values(name: str, column: Column, levels: Mapping[str, tuple[str, ...]]) -> Floats:
    if name not in levels:
        raise BadRuleError(f"`{name}` is no variable; there are {', '.join(levels)}")
    return column(name)


def _constant(name: str, node: ast.expr, levels: Mapping[str, tuple[str, ...]]) -> float:
    word = node.id if isinstance(node, ast.Name) else node.value if isinstance(node, ast.Constant) else None
    if not levels[name] and isinstance(word, int | float) and not isinstance(word, bool):
        return float(word)
    if isinstance(word, str) and word in levels[name]:
        return float(levels[name].index(word))
    words = ", ".join(level if level.isidentifier() else repr(level) for level in levels[name])
    allowed = f"one of {words}" if words else "a number"
    raise BadRuleError(f"{name} is compared with `{ast.unparse(node)}`, allowed is {allowed}")
