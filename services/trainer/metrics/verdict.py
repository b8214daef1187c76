"""What an interval says of a gain, in words."""


def verdict(lo: float, hi: float) -> str:
    """The conclusion from the interval of a gain."""
    return "no gain shown" if lo <= 0 <= hi else "a gain" if lo > 0 else "a loss"
