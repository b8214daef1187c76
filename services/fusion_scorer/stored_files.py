"""The files of a bundle in the object store."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from services.fusion_scorer.errors import MovedMeanwhileError
from shared.blob.port import BlobInfo, BlobStore, ObjectChangedError
from shared.model.file_limits import MAX_FILES, check_sizes
from shared.model_keys import bundle_prefix
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
        """Every object's bytes by its name below the prefix.

        Raises:
            BadBundleError: they exceed the limits of a bundle.
            MovedMeanwhileError: one was replaced since it was listed.
        """
        listed = list(islice(self.store.list(self.where), MAX_FILES + 1))
        check_sizes(((self._name(info), info.size) for info in listed), self.where)
        return {self._name(info): self._bytes(info) for info in listed}

    def _name(self, info: BlobInfo) -> str:
        return info.key.removeprefix(self.where)

    def _bytes(self, info: BlobInfo) -> bytes:
        try:
            return self.store.get_range(info, 0, info.size)
        except ObjectChangedError as error:
            raise MovedMeanwhileError(f"{info.key} was replaced at this moment") from error
