"""The error tree: the parent class is the retry policy.

MedullaError
├── PermanentError          this input will never work: dead letter with a reason code
│   ├── PoisonMessageError  the bytes are no event that this version understands
│   └── GivenUpError        no answer: three attempts are counted, then it is a dead letter like the others
│       ├── InternalError       an unexpected error
│       └── CrashedWorkerError  the process at work on it died, or was ended at a limit of time or memory
├── TransientError          a dependency is down or busy: back off and try again
├── UnfinishedError         long work has had its turn: it continues after the records that wait
└── AtWorkError             another process is at work on the record, or this one is stopping: it comes again in seconds

Any other exception is a bug; it ends the record at work as InternalError, never the process.
"""

from typing import ClassVar

from shared.text import capped, clean


class MedullaError(Exception):
    """Every error that Medulla raises on purpose; its text is one sentence for people: what is wrong and where."""

    def __str__(self) -> str:
        """The sentence, cut to the limit of an event, without characters that logs or terminals reject."""
        return capped(super().__str__())


class PermanentError(MedullaError):
    """This input will never work as it is.

    `reason` is the code in dead letters, `failures.csv`, REST problems and logs; `advice` says what to do.
    """

    reason: ClassVar[str]
    advice: str
    supplement: str = ""
    """Lines to print below the sentence and the advice, such as a file to start from."""


class TransientError(MedullaError):
    """A dependency is down or busy; the same input may work later."""


class UnfinishedError(MedullaError):
    """Long work has had its turn; it continues in another one, and no attempt is counted."""


class AtWorkError(MedullaError):
    """A live process is at work on the record, or this one is stopping; work must not begin now, no attempt counts."""


def explain(error: MedullaError | OSError, advice: str = "") -> str:
    """An error as people read it: what is wrong, the reason code, what to do (`advice` in place of the error's own)."""
    if isinstance(error, PermanentError):
        text = f"{error} [{error.reason}]. {advice or error.advice}"
        return f"{text}\n\n{clean(error.supplement)}" if error.supplement else text
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or error}"
    return str(error)


class PoisonMessageError(PermanentError):
    """The bytes are no event that this version understands."""

    reason = "poison_message"
    advice = "If a newer version sent it, upgrade this service and replay the dead letter; otherwise drop it."


class RetriesExhaustedError(PermanentError):
    """A dependency stayed down for every attempt."""

    reason = "retries_exhausted"
    advice = "Repair the dependency that the sentence names, then replay the dead letter."


class GivenUpError(PermanentError):
    """Work that ended without an answer; it is tried three times before it is given up."""


class InternalError(GivenUpError):
    """An unexpected error; the text names its type and location, never a value."""

    reason = "internal_error"
    advice = "Report it with the incident id in the sentence; the log has the location. After an upgrade, replay it."

    def __init__(self, sentence: str, incident: str = "") -> None:
        super().__init__(sentence)
        self.incident = incident


class CrashedWorkerError(GivenUpError):
    """The process at work on an input died, or was ended because it took too much time or memory."""

    reason = "crashed_worker"
    advice = "Keep the input apart and report it; export it again from its source, or replay it after an upgrade."
