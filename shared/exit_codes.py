"""Exit codes of every process: they tell people, and Kubernetes, who has to act."""

from shared.errors import TransientError

OK, AT_FAULT, DEPENDENCY_DOWN = 0, 1, 3
"""Stopped as told; input, settings or a bug; a dependency is down."""
STOPPED = 130
"""Stopped with Ctrl-C, as a program ended by the signal."""


def exit_code(error: BaseException | None) -> int:
    """The exit code for the error that ended a process; None for no error."""
    if error is None:
        return OK
    return DEPENDENCY_DOWN if isinstance(error, TransientError) else AT_FAULT
