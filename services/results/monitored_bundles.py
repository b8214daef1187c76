"""What monitoring found of bundles, for the page, REST and Prometheus."""

import json
from dataclasses import dataclass

from shared import keys
from shared.blob.port import BlobStore, ObjectChangedError
from shared.monitoring import Standing, set_metrics, standings
from shared.units import Sha256


@dataclass(frozen=True)
class MonitoredBundles:
    """The standings in the bucket, and which of them is of the promoted bundle."""

    blobs: BlobStore

    def __call__(self) -> None:
        """Set the metrics.

        Raises:
            TransientError: the bucket does not answer.
        """
        for standing in standings(self.blobs):
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
