"""What a check found: a step of the installation, its state, and one sentence."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.errors import MedullaError


class State(StrEnum):
    """Whether a step is done."""

    OK = "ok"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check."""

    step: str
    state: State
    sentence: str


def is_ok(step: str, sentence: str) -> Finding:
    """A step that is done."""
    return Finding(step, State.OK, sentence)


def is_missing(step: str, sentence: str) -> Finding:
    """A step that is to be done."""
    return Finding(step, State.MISSING, sentence)


def is_unknown(step: str, sentence: str) -> Finding:
    """A step that cannot be checked from here."""
    return Finding(step, State.UNKNOWN, sentence)


Check = Callable[[], Finding]


def run_checks(checks: Mapping[str, Check]) -> Iterator[Finding]:
    """Run the checks in their order; an error of one is what it found, and does not keep others from running."""
    for step, check in checks.items():
        try:
            yield check()
        except (MedullaError, OSError) as error:
            yield is_missing(step, f"{error}")


def any_missing(findings: Iterable[Finding]) -> bool:
    """Whether something is to be done."""
    return any(finding.state is State.MISSING for finding in findings)
