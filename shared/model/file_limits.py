"""Limits of a bundle's files, checked before any of them is read: a bundle may come from anybody."""

import re
from collections.abc import Iterable

from shared.model.errors import BadBundleError
from shared.words import shown

MAX_FILES = 200
MAX_FILE_BYTES = 64 * 2**20
MAX_BYTES = 256 * 2**20
"""Of all files together."""
MAX_JSON_BYTES = 32 * 2**20
"""Of one JSON file."""
MAX_JSON_NAMES = 20_000
"""Of one object in a JSON file."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def check_sizes(sizes: Iterable[tuple[str, int]], where: str) -> None:
    """Refuse a bundle by the names and sizes in bytes of its files; of an endless one only the first are looked at.

    Raises:
        BadBundleError: a name is not plain, or the files are too many or too large.
    """
    total = 0
    for count, (name, size) in enumerate(sizes, 1):
        total += size
        if not _NAME.fullmatch(name):
            raise BadBundleError(
                f"{where} holds {shown(name)}; names of a bundle's files are 1 to 64 letters, digits, '_', '.' and '-'"
            )
        if size > MAX_FILE_BYTES or total > MAX_BYTES:
            most = MAX_FILE_BYTES if size > MAX_FILE_BYTES else MAX_BYTES
            raise BadBundleError(f"{where} has more than {most} bytes with {name}, the most that is allowed")
        if count > MAX_FILES:
            raise BadBundleError(f"{where} holds more than {MAX_FILES} files, the most that are allowed")
