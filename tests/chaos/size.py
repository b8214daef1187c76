"""How much is done to the system: enough for the promise as it is written, or for an hour on a laptop, or a glance."""

from dataclasses import dataclass, replace

from tests.bench import size as bench


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
    """Slides whose way is timed, without poison and as many beside one of each kind; even."""
    promoted_cases: int
    """Cases that were scored before another bundle is promoted."""
    live_cases: int
    """Cases at least that are timed meanwhile, and as many before."""
    without_triton_s: float
    """How long the encoder's server is away."""

    poll_interval_s: float
    """Kafka's max.poll.interval, which work outlasts."""
    replicas: int
    """The most embedders at a time."""
    scalings: int
    """Up to that number of embedders, and down to one again."""
    slides_scaled_over: int
    copies_scaled_over: int
    """Size of those slides, across and down: large enough to be at work when a partition moves."""
    slides_killed_in: int
    """Slides in the middle of each of which the embedder is killed."""
    copies_killed_in: int
    """Size of those slides, across and down."""
    huge_mb: int
    """Size of the slide that passes while memory is watched."""
    throughput: bench.Size
    """Of what `make bench` measures."""


_GLANCED = replace(bench.QUICK, encoder_repeats=1, pipeline_copies=2)
FULL = Size("full", 1000, 5, 60, 100, 50, 500, 1000, 20, 3600, 300, 8, 20, 200, 3, 10, 8, 4000, bench.FULL)
LAPTOP = Size("laptop", 200, 5, 60, 100, 10, 40, 200, 20, 300, 10, 3, 4, 30, 2, 1, 6, 200, bench.FULL)
GLANCE = Size("glance", 12, 1, 5, 6, 2, 4, 8, 4, 20, 10, 2, 1, 6, 2, 1, 4, 40, _GLANCED)
SIZES = {size.name: size for size in (FULL, LAPTOP, GLANCE)}
