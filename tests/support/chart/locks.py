"""What the images' locks list."""

import re
from collections.abc import Iterator
from pathlib import Path

from packaging.markers import Marker

from tests.support.checkout import CHECKOUT

LOCKS = CHECKOUT / "docker" / "locks"
_LINE = re.compile(r"^([a-z0-9._-]+)==[^ ;]+(?: ; (.+?))?(?: \\)?$", re.MULTILINE)


def packages(lock: Path) -> Iterator[tuple[str, str]]:
    """Name of each package of a lock, and the marker that says where it is wanted; empty for everywhere."""
    for match in _LINE.finditer(lock.read_text()):
        yield match[1], match[2] or ""


def locked_here(image: str) -> set[str]:
    """Names of the packages that an image for Linux on this processor has to hold."""
    locked = packages(LOCKS / f"{image}.txt")
    return {name for name, marker in locked if not marker or Marker(marker).evaluate()}
