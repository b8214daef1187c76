"""The error tree: the parent class is the retry policy.

MedullaError
├── PermanentError          this input will never work: dead letter with a reason code
│   └── PoisonMessageError  the bytes are no event that this version understands
└── TransientError          a dependency is down or busy: back off and try again

Anything else is a bug and stops the process.
"""

from typing import ClassVar


class MedullaError(Exception):
    """Every error that Medulla raises on purpose; its text is one sentence for people: what is wrong and where."""


class PermanentError(MedullaError):
    """This input will never work as it is.

    `reason` is the code in dead letters, `failures.csv`, REST problems and logs; `advice` says what to do.
    """

    reason: ClassVar[str]
    advice: ClassVar[str]


class TransientError(MedullaError):
    """A dependency is down or busy; the same input may work later."""


def explain(error: MedullaError | OSError) -> str:
    """An error as people read it: what is wrong, the reason code, what to do."""
    if isinstance(error, PermanentError):
        return f"{error} [{error.reason}]. {error.advice}"
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or error}"
    return str(error)


class PoisonMessageError(PermanentError):
    """The bytes are no event that this version understands."""

    reason = "poison_message"
    advice = "If a newer version sent it, upgrade this service and replay the dead letter; otherwise drop it."
