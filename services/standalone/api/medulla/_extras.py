"""Says what installs a library that is missing where an import fails."""

from collections.abc import Iterator
from contextlib import contextmanager

from medulla.errors import MissingExtraError
from shared.missing_library import installer

_OURS = {"medulla", "services", "shared"}


@contextmanager
def needs(name: str) -> Iterator[None]:
    """Turn the import error of a library in the body into one that says what installs it, for `medulla.{name}`.

    Raises:
        MissingExtraError: a library is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library in _OURS:
            raise
        raise MissingExtraError(
            f"medulla.{name} needs {library}, which is not installed: {installer(library)} brings it."
        ) from error
