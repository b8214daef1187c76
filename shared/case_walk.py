"""Walks the cases of a bucket by listings alone, several prefixes side by side."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from operator import itemgetter

from shared import keys, pseudonyms
from shared.blob.port import BlobInfo, BlobStore
from shared.keys import BadCaseIdError
from shared.units import CaseId

_Listed = tuple[str, str, BlobInfo]
"""What a listing is ordered by, its prefix and an object."""


@dataclass(frozen=True, slots=True)
class ListedCase:
    """What listings hold of one case."""

    case_id: CaseId
    objects: Mapping[str, Sequence[BlobInfo]]
    """By prefix, in the order of their keys; prefixes without an object are absent."""

    def below(self, prefix: str) -> Sequence[BlobInfo]:
        """The case's objects below a prefix."""
        return self.objects.get(prefix, ())


def walk(store: BlobStore, *prefixes: str) -> Iterator[ListedCase]:
    """Each case with objects below any of `prefixes`, in order; costs as many requests as the listings have pages.

    Objects whose key names no case are passed over. Records are listed in another order than folders where one id
    continues another one with a dot (`A` and `A.k`): such a case may come twice, each time with some of its objects.
    """
    listed = merge(*(_listed(store, prefix) for prefix in prefixes), key=itemgetter(0))
    for order, group in groupby(listed, key=itemgetter(0)):
        objects: defaultdict[str, list[BlobInfo]] = defaultdict(list)
        for _, prefix, info in group:
            objects[prefix].append(info)
        yield ListedCase(CaseId(order.removesuffix("/")), objects)


def _listed(store: BlobStore, prefix: str) -> Iterator[_Listed]:
    for info in store.list(prefix):
        if case := _case(prefix, info.key):
            yield f"{case}/", prefix, info


def _case(prefix: str, key: str) -> CaseId | None:
    if prefix == keys.CLINICAL:
        try:
            return keys.clinical_case(key)
        except BadCaseIdError:
            return None
    case, inside, _ = key.removeprefix(prefix).partition("/")
    return CaseId(case) if inside and pseudonyms.is_pseudonym(case) else None
