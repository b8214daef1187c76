"""The location of an error: files, lines and functions, never values of variables or the error's text."""

from collections import deque
from traceback import walk_tb

_OURS = frozenset({"services", "shared", "medulla"})
_KEPT = 20
NOWHERE = "an unknown place"


def frames_of(error: BaseException) -> list[str]:
    """`file:line in function` of the innermost frames, the innermost last."""
    return [place for place, _ in _frames(error)]


def place_of(error: BaseException) -> str:
    """`file:line in function` of the innermost frame that is ours, else of the innermost."""
    frames = _frames(error)
    ours = [place for place, is_ours in frames if is_ours]
    return (ours or [place for place, _ in frames] or [NOWHERE])[-1]


def _frames(error: BaseException) -> deque[tuple[str, bool]]:
    """Places, and whether they are ours."""
    frames: deque[tuple[str, bool]] = deque(maxlen=_KEPT)
    for frame, line in walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", "?"))
        place = f"{module.replace('.', '/')}.py:{line} in {frame.f_code.co_name}"
        frames.append((place, module.partition(".")[0] in _OURS))
    return frames
