"""LightGBM's text form, altered."""

import re


def with_sizes(text: str) -> str:
    """The text with the sizes of its trees as they are, so that only what was altered can refuse it."""
    _, *trees = re.split(r"(?m)^(?=Tree=)", text.partition("end of trees\n")[0])
    return re.sub(r"tree_sizes=.*", "tree_sizes=" + " ".join(str(len(tree)) for tree in trees), text, count=1)
