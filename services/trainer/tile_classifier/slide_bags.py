"""Finds the bag of a labelled slide: by digest, or by name where features were imported, which state no digest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self

from services.trainer.cohort.embeddings import BagFile, Embeddings
from shared import keys
from shared.units import Sha256

_IMPORTER = "medulla import"
"""What plan.json names as its maker, where `medulla import` wrote it."""


@dataclass(frozen=True)
class SlideBags:
    """The bags of a folder of embeddings."""

    folder: Path
    by_digest: Mapping[tuple[str, str], BagFile]
    """By case and digest of the slide."""
    by_name: Mapping[tuple[str, str], BagFile]
    """By case and slide id."""

    @classmethod
    def of(cls, embeddings: Embeddings) -> Self:
        """Index the bags."""
        bags = [bag for case in embeddings.by_case.values() for bag in case]
        digests = {(bag.case_id, bag.slide_digest): bag for bag in bags}
        return cls(embeddings.folder, digests, {(bag.case_id, bag.slide_id): bag for bag in bags})

    def find(self, case: str, slide: str, digest: str) -> BagFile | None:
        """The bag of a slide; an imported one may be named with the suffix of the slide's file or without."""
        if bag := self.by_digest.get((case, digest)):
            return bag
        bag = self.by_name.get((case, slide)) or self.by_name.get((case, PurePosixPath(slide).stem))
        return bag if bag and self._is_imported(bag) else None

    def _is_imported(self, bag: BagFile) -> bool:
        plan = self.folder / keys.plan_prefix(Sha256(bag.slide_digest), Sha256(bag.plan_digest)) / keys.PLAN
        try:
            return bool(json.loads(plan.read_bytes()).get("made_by") == _IMPORTER)
        except (OSError, ValueError, AttributeError):
            return False
