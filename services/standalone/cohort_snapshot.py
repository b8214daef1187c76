"""A case of a cohort as a snapshot of a bucket, so that the scorer reads it as it reads any other."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from services.fusion_scorer.snapshot import (
    CaseSnapshot,
    duplicate_left_out,
    duplicate_remarks,
    swap_remark,
    without_duplicates,
)
from services.standalone.case import Case
from services.standalone.case_bags import StoredBag, stored_bag
from services.standalone.case_inputs import put_inputs
from services.trainer.cohort.embeddings import Embeddings, read_embeddings
from shared import keys
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobStore


@dataclass(frozen=True)
class CohortBags:
    """The embeddings of a cohort; `holders` is how many cases hold the slide of each digest."""

    embeddings: Embeddings
    holders: dict[str, int]

    def of_case(self, case: str) -> list[StoredBag]:
        """The bags of a case, in order of slide id."""
        bags = sorted(self.embeddings.by_case.get(case, ()), key=lambda bag: bag.slide_id)
        return [stored_bag(bag, self.embeddings.folder) for bag in bags]


def cohort_bags(folder: Path) -> CohortBags:
    """Read the index of a folder of embeddings.

    Raises:
        BadEmbeddingsError: the index or a bag cannot be read, or the bags come from several encoders.
    """
    embeddings = read_embeddings(folder)
    holders = defaultdict[str, int](int)
    for bags in embeddings.by_case.values():
        for digest in {bag.slide_digest for bag in bags}:
            holders[digest] += 1
    return CohortBags(embeddings, holders)


def case_snapshot(case: Case, bags: CohortBags | None) -> tuple[BlobStore, CaseSnapshot]:
    """The objects of a case in a store of its own, and the snapshot that lists them.

    Raises:
        BadEmbeddingsError: a bag or its plan cannot be read.
    """
    store, stored = MemoryStore(), bags.of_case(case.case_id) if bags else []
    put_inputs(store, case)
    for bag in stored:
        for key, data in bag.objects.items():
            store.put(key, data)
    slides, duplicates = without_duplicates([bag.event for bag in stored])
    swapped = [event.slide.slide_id for event in slides if bags and bags.holders[event.slide.digest] > 1]
    return store, CaseSnapshot(
        case_id=case.case_id,
        slides=tuple(slides),
        left_out=tuple(map(duplicate_left_out, duplicates)),
        remarks=(*duplicate_remarks(duplicates), *map(swap_remark, swapped)),
        objects=(),
        clinical=store.head(keys.clinical(case.case_id)),
        vectors=tuple(store.list(keys.vectors(case.case_id))),
        damaged=(),
        nothing_left=False,
    )
