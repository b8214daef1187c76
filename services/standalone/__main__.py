"""`medulla`: starts the command line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from services.standalone.interrupt import stoppable
from shared.exit_codes import DEPENDENCY_DOWN
from shared.missing_library import installer


def main() -> None:
    """Run the command line."""
    with stoppable(), _missing_library_as_sentence():
        from services.standalone.app import app  # noqa: PLC0415 - Ctrl-C must work while it loads
    app()


@contextmanager
def _missing_library_as_sentence() -> Iterator[None]:
    """Name a library that the command line itself needs, and what installs it."""
    try:
        yield
    except ModuleNotFoundError as error:
        name = error.name or str(error)
        sys.stderr.write(
            f"medulla: the command line needs {name}, which is not installed: {installer(name)} brings it.\n"
        )
        sys.exit(DEPENDENCY_DOWN)


if __name__ == "__main__":
    main()
