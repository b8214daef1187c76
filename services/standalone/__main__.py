"""`medulla`: starts the command line."""

import sys

STOPPED = 130


def main() -> None:
    """Run the command line; Ctrl-C ends it quietly, also while its libraries load."""
    try:
        from services.standalone.commands import app  # noqa: PLC0415 - takes seconds, during which Ctrl-C must work

        app()
    except KeyboardInterrupt:
        sys.exit(STOPPED)


if __name__ == "__main__":
    main()
