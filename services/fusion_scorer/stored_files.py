"""The files of a bundle in the object store."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.blob.port import BlobStore
from shared.keys import bundle_prefix
from shared.units import Sha256


@dataclass(frozen=True)
class StoredFiles:
    """A bundle in the object store."""

    store: BlobStore
    digest: Sha256

    @property
    def where(self) -> str:
        """The prefix in the store."""
        return bundle_prefix(self.digest)

    def read(self) -> Mapping[str, bytes]:
        """Every object's bytes by its name below the prefix."""
        prefix = self.where
        return {info.key.removeprefix(prefix): self.store.get(info.key) for info in self.store.list(prefix)}
