"""`medulla`: starts the command line."""

import os
import signal
from typing import NoReturn

from shared.exit_codes import STOPPED

_SENTENCE = b"medulla: Stopped before anything began.\n"


def main() -> None:
    """Run the command line; Ctrl-C ends it with a sentence, also while its libraries load."""
    heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heeded:
        signal.signal(signal.SIGINT, _stop)  # libraries turn a KeyboardInterrupt during their import into other errors
    from services.standalone.app import app  # noqa: PLC0415 - Ctrl-C must work while it loads

    if heeded:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    app()


def _stop(*_: object) -> NoReturn:
    os.write(2, _SENTENCE)
    os._exit(STOPPED)


if __name__ == "__main__":
    main()
