"""What monitoring found of bundles, for the page, REST and Prometheus."""

import json
from dataclasses import dataclass

from shared import keys
from shared.blob.port import BlobStore, ObjectChangedError
from shared.monitoring import Standing, clear_metrics, set_metrics, standings
from shared.units import Sha256


@dataclass
class MonitoredBundles:
    """The standings in the bucket, and which of them is of the promoted bundle."""

    blobs: BlobStore
    _measured: Sha256 | None = None
    """The bundle whose metrics are set."""

    def __call__(self) -> None:
        """Set the metrics to those of the promoted bundle; an older one no longer raises an alert.

        Raises:
            TransientError: the bucket does not answer.
        """
        promoted = self.promoted()
        if promoted != self._measured:
            clear_metrics()
            self._measured = promoted
        for standing in self.all():
            if standing.bundle == promoted:
                set_metrics(standing)

    def all(self) -> list[Standing]:
        """By digest of the bundle."""
        return list(standings(self.blobs))

    def promoted(self) -> Sha256 | None:
        """Digest of the promoted bundle; None where there is none."""
        try:
            pointer = json.loads(self.blobs.get(keys.CURRENT_BUNDLE))
            return Sha256(str(pointer["digest"]))
        except (ObjectChangedError, ValueError, KeyError, TypeError):
            return None
