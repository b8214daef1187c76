"""How much is done to the system: enough for the promise as it is written, or for an hour on a laptop, or a glance."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """Counts of each scenario."""

    name: str
    uploads: int
    """Cases that land while parts and services are killed."""
    broker_kills: int
    bucket_silent_s: float
    """How long the bucket announces nothing."""
    overwritten: int
    """Cases whose record lands twice in quick succession."""
    sigterms: int
    """Ends of each service by SIGTERM."""
    good_beside_poison: int
    """Slides whose way is timed, without poison and with it."""
    promoted_cases: int
    """Cases that were scored before another bundle is promoted."""
    without_triton_s: float
    """How long the encoder's server is away."""


FULL = Size("full", 1000, 5, 60, 100, 50, 100, 1000, 3600)
LAPTOP = Size("laptop", 200, 5, 60, 100, 10, 30, 200, 300)
GLANCE = Size("glance", 12, 1, 5, 6, 2, 4, 8, 20)
SIZES = {size.name: size for size in (FULL, LAPTOP, GLANCE)}
