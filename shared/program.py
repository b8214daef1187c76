"""The program that is installed: its distribution, which is not named as its package, and its version."""

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

DISTRIBUTION = "medulla-risk"


@lru_cache
def program_version() -> str:
    """The version, such as `0.1.0`, that scores and plans state."""
    return version(DISTRIBUTION)


def library_version(distribution: str) -> str:
    """The version of an installed library, by the name of its distribution."""
    return version(distribution)


def optional_version(distribution: str) -> str | None:
    """The version of a library that need not be installed; None where it is not."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
