"""Findings of checks: a step of the installation, its state, and one sentence."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

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

    @classmethod
    def ok(cls, step: str, sentence: str) -> Self:
        """A step that is done."""
        return cls(step, State.OK, sentence)

    @classmethod
    def missing(cls, step: str, sentence: str) -> Self:
        """A step that is to be done."""
        return cls(step, State.MISSING, sentence)

    @classmethod
    def unknown(cls, step: str, sentence: str) -> Self:
        """A step that cannot be checked from here."""
        return cls(step, State.UNKNOWN, sentence)


Check = Callable[[], Finding]


def run_checks(checks: Mapping[str, Check]) -> Iterator[Finding]:
    """Run the checks in their order; an error of one is its finding, and does not keep others from running."""
    for step, check in checks.items():
        try:
            yield check()
        except (MedullaError, OSError) as error:
            yield Finding.missing(step, f"{error}")


def any_missing(findings: Iterable[Finding]) -> bool:
    """Whether something is to be done."""
    return any(finding.state is State.MISSING for finding in findings)
