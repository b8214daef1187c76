"""Names vectors in the watched folder whose block the promoted bundle has no model of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from services.fusion_scorer.promoted import Bundles
from services.standalone.console import say
from shared import keys
from shared.blob.port import BlobStore
from shared.keys import BadCaseIdError, VectorKey
from shared.model.bundle import Bundle
from shared.text import clean


@dataclass(frozen=True)
class UnknownVectors:
    """Prints a line for each of them, once a bundle: such a vector is a remark of the score, not a refusal."""

    store: BlobStore
    bundles: Bundles
    write: Callable[[str], None] = say
    printed: set[tuple[str, str]] = field(default_factory=set)
    """Digests of bundles and keys."""

    def __call__(self) -> None:
        """Scan once."""
        bundle = self.bundles.promoted(waits=True).bundle
        for key, vector in self._vectors():
            known = bundle.digest, key
            if vector.block not in bundle.vectors and known not in self.printed:
                self.printed.add(known)
                self.write(f"Not used {clean(key)}: {_sentence(vector, bundle)}")

    def _vectors(self) -> Iterator[tuple[str, VectorKey]]:
        for info in self.store.list(keys.VECTORS):
            try:
                vector = keys.vector_key(info.key)
            except BadCaseIdError:  # refused when it landed
                continue
            if vector:
                yield info.key, vector


def _sentence(vector: VectorKey, bundle: Bundle) -> str:
    problem = f"bundle {bundle.manifest.name} has no model of the block {vector.block}"
    remedy = f"Rename the file after one of its blocks ({', '.join(bundle.vectors)})" if bundle.vectors else "Remove it"
    return f"{problem}. {remedy}, or use a bundle that has a model of it."
