"""`medulla`: starts the command line."""

import sys

from shared.exit_codes import STOPPED


def main() -> None:
    """Run the command line; Ctrl-C ends it quietly, also while its libraries load."""
    try:
        from services.standalone.app import app  # noqa: PLC0415 - Ctrl-C must work while it loads

        app()
    except KeyboardInterrupt:
        sys.exit(STOPPED)


if __name__ == "__main__":
    main()
