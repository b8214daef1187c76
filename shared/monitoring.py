"""What monitoring found of a bundle, as it is kept in the bucket: written by `medulla monitor`, shown by results."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from shared import keys, metrics
from shared.blob.port import BlobStore, ObjectChangedError
from shared.canonical import canonical_json
from shared.units import Sha256

SHOWN_DIGITS = 12
"""Characters of a bundle's digest in metrics."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether the risks of a bundle come true; counts and figures of all cases, nothing of one of them."""

    bundle: Sha256
    name: str
    monitored_at: datetime
    flagged: bool
    sentence: str
    """For people."""
    cases: int
    """With an outcome after the score."""
    events: int
    expected: float
    o_e: float | None
    o_e_lo: float | None
    o_e_hi: float | None
    chart_more: float
    """Highest value of the chart over its threshold: 1 raises the flag."""
    chart_fewer: float
    harrell_c: float | None = None
    psi: float | None = None
    """Of the latest quarter that is shown."""


_STANDING = TypeAdapter(Standing)


def put_standing(store: BlobStore, standing: Standing) -> None:
    """Write or replace that of the bundle."""
    content = asdict(standing) | {"monitored_at": standing.monitored_at.isoformat()}
    store.put(keys.monitoring(standing.bundle), canonical_json(content))


def standings(store: BlobStore) -> Iterator[Standing]:
    """Of every monitored bundle; one that is not understood, as of a newer program, is passed over.

    Raises:
        TransientError: the store is down.
    """
    for info in store.list(keys.MONITORING):
        try:
            yield _STANDING.validate_json(store.get(info.key))
        except (ValidationError, ObjectChangedError):
            continue


GAUGES = (
    *(metrics.MONITOR_FLAGGED, metrics.MONITOR_CASES, metrics.MONITOR_O_E, metrics.MONITOR_CHART),
    *(metrics.MONITOR_C, metrics.MONITOR_PSI, metrics.MONITOR_TIME),
)


def clear_metrics() -> None:
    """Remove the gauges of all bundles."""
    for gauge in GAUGES:
        gauge.clear()


def set_metrics(standing: Standing) -> None:
    """Set the gauges of a bundle."""
    bundle = standing.bundle[:SHOWN_DIGITS]
    metrics.MONITOR_FLAGGED.labels(bundle).set(standing.flagged)
    metrics.MONITOR_CASES.labels(bundle).set(standing.cases)
    metrics.MONITOR_TIME.labels(bundle).set(standing.monitored_at.timestamp())
    for direction, value in (("more", standing.chart_more), ("fewer", standing.chart_fewer)):
        metrics.MONITOR_CHART.labels(bundle, direction).set(value)
    ends = {"estimate": standing.o_e, "lower": standing.o_e_lo, "upper": standing.o_e_hi}
    for end, ratio in ends.items():
        if ratio is not None:
            metrics.MONITOR_O_E.labels(bundle, end).set(ratio)
    for gauge, figure in ((metrics.MONITOR_C, standing.harrell_c), (metrics.MONITOR_PSI, standing.psi)):
        if figure is not None:
            gauge.labels(bundle).set(figure)
