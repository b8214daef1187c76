"""Checks LightGBM's text form before its parser sees it, which ends the process over arrays that do not fit.

Only what `medulla train` writes passes: numeric splits, constant leaves, one model, version 4 of the format.
"""

import math
import re
from collections.abc import Mapping, Sequence

from shared.model.errors import BadBundleError
from shared.words import shown

MAX_TREES = 2_000
MAX_LEAVES = 256
"""Of one tree, which bounds its depth and so the work of explaining a score."""
MAX_FEATURES = 20_000
MAX_LINES = 200_000
_HEADER = {"version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective"}
_HEADER_LISTS = {"feature_names", "feature_infos", "tree_sizes"}
_FIXED = {"version": "v4", "num_class": "1", "num_tree_per_iteration": "1", "label_index": "0"}
_COUNTS = ("num_leaves", "num_cat", "is_linear")
_SPLITS = ("split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child")
_INTERNAL = ("internal_value", "internal_weight", "internal_count")
_LEAVES = ("leaf_value", "leaf_weight", "leaf_count")
_TREE = {*_COUNTS, *_SPLITS, *_INTERNAL, *_LEAVES, "shrinkage"}
_WHOLE = re.compile(r"-?\d{1,9}")
_NUMBER = re.compile(r"-?(?:\d{1,20}(?:\.\d{1,20})?(?:e[+-]\d{1,3})?|inf|nan)")
"""As `%.17g` writes it. A gain of a split may be infinite."""
_DECISIONS = {0, 2, 4, 6, 8, 10}
"""Numeric: direction of a missing value in bit 1, kind of missing value in bits 2 and 3."""
_TAIL = re.compile(
    r"(?:feature_importances:|parameters:|end of parameters|[\w .:+-]{1,200}=\d{1,18}|\[\w{1,64}: [^\[\]\n]{0,10000}\]"
    r"|pandas_categorical:(?:null|\[\])|)"
)


class _TextError(ValueError):
    """What is wrong; the text continues "the model"."""


def check_trees(name: str, text: str) -> None:
    """Refuse a model that LightGBM cannot read without fault.

    Raises:
        BadBundleError: saying what is wrong.
    """
    try:
        _check(text)
    except _TextError as error:
        raise BadBundleError(f"{name} is no LightGBM model in text form: {error}") from None


def _check(text: str) -> None:
    if text.count("\n") > MAX_LINES or not text.isascii() or "\r" in text or "\0" in text:
        raise _TextError(f"it has more than {MAX_LINES} lines, or characters that are not ASCII")
    head, trees, tail = _blocks(text)
    header = _entries(head.removeprefix("tree\n"), _HEADER | _HEADER_LISTS)
    features = _check_header(header)
    sizes = _wholes(header["tree_sizes"], 1, len(text))
    if sizes != [len(tree) for tree in trees]:
        raise _TextError("tree_sizes are not the sizes of its trees")
    for number, tree in enumerate(trees):
        _check_tree(number, tree, features)
    for line in tail.split("\n"):
        if not _TAIL.fullmatch(line):
            raise _TextError(f"it ends in {shown(line)}, which is not understood")


def _blocks(text: str) -> tuple[str, Sequence[str], str]:
    """The header, the trees as `tree_sizes` counts them, and what follows them."""
    body, end, tail = text.partition("end of trees\n")
    head, *trees = re.split(r"(?m)^(?=Tree=)", body)
    if not end or not head.startswith("tree\n") or not 0 < len(trees) <= MAX_TREES:
        raise _TextError(f"it has no header, no end, or not 1 to {MAX_TREES} trees")
    return head, trees, tail


def _entries(block: str, names: set[str]) -> Mapping[str, str]:
    """Values by name of lines `name=value`, each name once."""
    entries: dict[str, str] = {}
    for line in filter(None, block.split("\n")):
        name, equals, value = line.partition("=")
        if not equals or name not in names or name in entries:
            raise _TextError(f"{shown(line)} stands where it is not understood")
        entries[name] = value
    if missing := sorted(names - entries.keys() - {"objective"}):
        raise _TextError(f"{missing[0]} is missing")
    return entries


def _check_header(header: Mapping[str, str]) -> int:
    """The number of features."""
    for name, value in _FIXED.items():
        if header[name] != value:
            raise _TextError(f"{name} is {shown(header[name])}, and only {value} is read")
    (last,) = _wholes(header["max_feature_idx"], 0, MAX_FEATURES - 1, 1)
    for name in ("feature_names", "feature_infos"):
        if len(header[name].split(" ")) != last + 1:
            raise _TextError(f"{name} are not those of {last + 1} features")
    return last + 1


def _check_tree(number: int, block: str, features: int) -> None:
    first, _, rest = block.partition("\n")
    if first != f"Tree={number}":
        raise _TextError(f"{shown(first)} stands where tree {number} is expected")
    tree = _entries(rest, _TREE)
    (leaves,) = _wholes(tree["num_leaves"], 1, MAX_LEAVES, 1)
    if tree["num_cat"] != "0" or tree["is_linear"] != "0":
        raise _TextError(f"tree {number} has categorical splits or linear leaves, which are not read")
    splits = leaves - 1
    _wholes(tree["split_feature"], 0, features - 1, splits)
    _numbers(tree["threshold"], splits)
    _numbers(tree["leaf_value"], leaves)
    _numbers(tree["shrinkage"], 1)
    if not set(_wholes(tree["decision_type"], 0, 10, splits)) <= _DECISIONS:
        raise _TextError(f"tree {number} has a decision_type that is not numeric")
    _words(tree["split_gain"], splits)
    for name in _INTERNAL:
        _numbers(tree[name], splits)
    for name in ("leaf_weight", "leaf_count"):
        _numbers(tree[name], leaves if tree[name] or splits else 0)
    _check_children(number, *(_wholes(tree[name], -leaves, splits - 1, splits) for name in _SPLITS[4:]))


def _check_children(number: int, left: Sequence[int], right: Sequence[int]) -> None:
    """Every split and every leaf (-1 is the first) hangs below the first split exactly once, later ones later."""
    children = sorted([*left, *right])
    is_whole = not children or children == [*range(-len(left) - 1, 0), *range(1, len(left))]
    is_later = all(split < child or child < 0 for side in (left, right) for split, child in enumerate(side))
    if not is_whole or not is_later:
        raise _TextError(f"the children of tree {number} are not those of a tree")


def _wholes(text: str, low: int, high: int, count: int | None = None) -> Sequence[int]:
    """Whole numbers from `low` to `high`, `count` of them if given."""
    words = _words(text, count)
    if not all(_WHOLE.fullmatch(word) and low <= int(word) <= high for word in words):
        raise _TextError(f"{shown(text)} has a number that is not whole or not from {low} to {high}")
    return [int(word) for word in words]


def _numbers(text: str, count: int) -> None:
    if not all(math.isfinite(float(word)) for word in _words(text, count)):
        raise _TextError(f"{shown(text)} has a number that is not finite")


def _words(text: str, count: int | None) -> Sequence[str]:
    words = text.split(" ") if text else []
    if count is not None and len(words) != count:
        raise _TextError(f"{shown(text)} has {len(words)} numbers where {count} are expected")
    if not all(map(_NUMBER.fullmatch, words)):
        raise _TextError(f"{shown(text)} are no numbers")
    return words
