"""Which bundle scores are made by, kept in the bucket: the last one that was good, and why a newer one is not used."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from shared import model_keys
from shared.blob.port import BlobStore, ObjectChangedError, read_if_there
from shared.canonical import canonical_json
from shared.units import Sha256


@dataclass(frozen=True, slots=True)
class BundleInUse:
    """The bundle that a scorer last found good."""

    digest: Sha256
    name: str
    since: datetime
    """When it was promoted, aware."""
    refused: str = ""
    """Why the bundle that was promoted since is not used, in a sentence; empty where there is none."""

    @classmethod
    def stored(cls, store: BlobStore) -> Self | None:
        """What the bucket says; None where it says nothing that is understood."""
        try:
            if (stored := read_if_there(store, model_keys.BUNDLE_IN_USE)) is None:
                return None
            entry = json.loads(stored)
            digest, name, refused = (str(entry[key]) for key in ("digest", "name", "refused"))
            return cls(Sha256(digest), name, datetime.fromisoformat(entry["since"]), refused)
        except (ObjectChangedError, ValueError, KeyError, TypeError):
            return None

    def put(self, store: BlobStore) -> None:
        """Write it, unless the bucket says the same."""
        if BundleInUse.stored(store) != self:
            entry = {"digest": self.digest, "name": self.name, "since": self.since.isoformat(), "refused": self.refused}
            store.put(model_keys.BUNDLE_IN_USE, canonical_json(entry))
