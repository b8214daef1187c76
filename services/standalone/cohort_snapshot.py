"""A case of a cohort as a snapshot of a bucket, so that the scorer reads it as it reads any other."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
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
from services.trainer.cohort.embeddings import index_rows, open_bag
from shared import keys
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobStore


@dataclass(frozen=True)
class CohortBags:
    """The embedded slides of a cohort, as index.csv lists them; a bag is opened when its case is scored."""

    folder: Path
    rows: Mapping[str, Sequence[Mapping[str, str]]]
    """By case, in order of slide id."""
    holders: Mapping[str, int]
    """How many cases hold the slide of a digest."""

    def of_case(self, case: str) -> list[StoredBag]:
        """The bags of a case.

        Raises:
            BadEmbeddingsError: one of them or its plan cannot be read.
        """
        return [stored_bag(open_bag(self.folder, row), self.folder) for row in self.rows.get(case, ())]


def cohort_bags(folder: Path) -> CohortBags:
    """Read the index of a folder of embeddings.

    Raises:
        BadEmbeddingsError: it cannot be read.
    """
    rows = defaultdict[str, list[Mapping[str, str]]](list)
    for row in sorted(index_rows(folder), key=lambda row: row["slide_id"]):
        rows[row["case_id"]].append(row)
    digests = ({row["slide_digest"] for row in of_case} for of_case in rows.values())
    return CohortBags(folder, rows, Counter(digest for of_case in digests for digest in of_case))


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
