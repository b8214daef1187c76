"""Marks encoders whose weights are random, and whose features mean nothing."""

import re

_MARK = re.compile(r"-random\d+\Z")


def random_name(name: str, seed: int) -> str:
    """Name of an encoder with random weights of this seed."""
    return f"{name}-random{seed}"


def has_random_weights(encoder_name: str) -> bool:
    """Whether an encoder of this name has random weights."""
    return _MARK.search(encoder_name) is not None
