"""What is kept of an error once it has been handled."""

from dataclasses import dataclass
from typing import Self

from shared.errors import PermanentError


@dataclass(frozen=True, slots=True)
class Failure:
    """An error's kind and reason; kept, the error itself would hold its frames and all their data."""

    kind: str
    """Name of the error's class."""
    reason: str = ""
    """Code of a PermanentError."""

    @classmethod
    def of(cls, error: Exception) -> Self:
        """The failure that an error is."""
        return cls(type(error).__name__, error.reason if isinstance(error, PermanentError) else "")
