"""Says which extra of the distribution is missing where an import fails."""

from collections.abc import Iterator
from contextlib import contextmanager

from medulla.errors import MissingExtraError
from shared.program import DISTRIBUTION

_OURS = {"medulla", "services", "shared"}


@contextmanager
def needs(name: str, extras: str) -> Iterator[None]:
    """Turn the import error of a library in the body into one that names the extras of `medulla.{name}`.

    Raises:
        MissingExtraError: a library is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library in _OURS:
            raise
        wanted = f"{DISTRIBUTION}[{extras}]" if extras else DISTRIBUTION
        raise MissingExtraError(f"medulla.{name} needs {library}, which is not installed: install {wanted}") from error
