"""Detects leaks: no data of a patient may be on both sides of a split."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.contents import Contents
from services.trainer.cohort.duplicates import identifying_digests, row_digests
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.cohort.same_vectors import identifying_vectors, same_vectors, vector_digests
from services.trainer.errors import LeakError, SeenCasesError
from shared.canonical import digest_of, sha256

_NAMED = 10
ALIKE_BY_CHANCE = 0.01
"""Up to this share of a validated cohort, patients whose rows alone are like training patients' are no leak."""
_KINDS = {
    "patient": "case_id",
    "slide": "slide",
    "tile": "features of a slide",
    "row": "row of the table",
    "vector": "vector",
    "labelled": "labelled tiles",
}
"""What a digest is of, in words."""


def trained_on(cohort: Cohort, embeddings: Embeddings | None, labelled: Sequence[str] = ()) -> dict[str, list[str]]:
    """What a bundle keeps to tell its training cases again: digests (SHA-256) of case ids, of slides, of some of their
    tiles (the first 64 bits), of the case ids that its classifier of tiles learned from (`labelled`) and, by scrypt, of
    identifying rows and vectors; sorted, by kind."""
    bags = [bag for case in cohort.case_ids for bag in _bags(case, embeddings)]
    patients = sorted(_of("case", case) for case in cohort.case_ids)
    vectors = {"vector": sorted(identifying_vectors(cohort, patients))} if cohort.vectors else {}
    return (
        vectors
        | ({"labelled": list(labelled)} if labelled else {})
        | {
            "patient": patients,
            "slide": sorted({slide for slide, _ in bags}),
            "tile": sorted({digest for _, contents in bags for digest in contents.tiles}),
            "row": sorted(identifying_digests(cohort, patients)),
        }
    )


def check_within(case_ids: Iterable[str], embeddings: Embeddings | None) -> None:
    """Refuse a cohort in which two cases share a slide or its features, since a split could part them.

    Raises:
        LeakError: naming the pairs.
    """
    bags = [(case, *bag) for case in case_ids for bag in _bags(case, embeddings)]
    _refuse(sorted({*_same_slide(bags), *_same_tiles(bags)}))


def check_vectors(cohort: Cohort) -> None:
    """Refuse a cohort in which two cases have the same vector, and not by chance.

    Raises:
        LeakError: naming the pairs.
    """
    _refuse(sorted(same_vectors(cohort)))


def _refuse(shared: Sequence[tuple[str, str, str]]) -> None:
    """Refuse pairs of cases, each with what they share."""
    if shared:
        pairs = ", ".join(f"{first} and {second} share {what}" for first, second, what in shared[:_NAMED])
        count = "a pair of cases is" if len(shared) == 1 else f"{len(shared)} pairs of cases are"
        raise LeakError(f"{count} not independent: {pairs}")


def check_between(trained: Mapping[str, Iterable[str]], cohort: Cohort, embeddings: Embeddings | None) -> list[str]:
    """Refuse to validate on cases of the training cohort; `trained` is the result of `trained_on`.

    Equal rows alone may be chance where they are few: then they are a note.

    Raises:
        SeenCasesError: naming the cases, each with all by which it was recognised.
    """
    known = {kind: frozenset(trained.get(kind, ())) for kind in _KINDS}
    rows = row_digests(cohort, known["patient"]) if known["row"] else {}
    vectors = vector_digests(cohort, known["patient"]) if known["vector"] else {}
    kinds_of_case = {
        case: [*_recognised(case, rows.get(case), known, embeddings), *_same(vectors.get(case, ()), known["vector"])]
        for case in cohort.case_ids
    }
    alike = [case for case, kinds in kinds_of_case.items() if kinds == ["row"]]
    if len(alike) <= ALIKE_BY_CHANCE * len(cohort):
        kinds_of_case |= {case: [] for case in alike}
    seen = [f"{case} ({', '.join(_KINDS[kind] for kind in kinds)})" for case, kinds in kinds_of_case.items() if kinds]
    if seen:
        more = f", and {len(seen) - _NAMED} more" if len(seen) > _NAMED else ""
        count = "1 case was" if len(seen) == 1 else f"{len(seen)} cases were"
        raise SeenCasesError(f"{count} in the training cohort of the bundle: {', '.join(seen[:_NAMED])}{more}")
    if not alike:
        return []
    more = f" and {len(alike) - _NAMED} more" if len(alike) > _NAMED else ""
    return [
        f"the rows of {', '.join(alike[:_NAMED])}{more} are equal to rows of the bundle's training cohort; among so "
        "many patients that may be chance, or the same patients under other names"
    ]


def _recognised(
    case: str, row: str | None, known: Mapping[str, frozenset[str]], embeddings: Embeddings | None
) -> Iterator[str]:
    bags = _bags(case, embeddings)
    if _of("case", case) in known["patient"]:
        yield "patient"
    if any(slide in known["slide"] for slide, _ in bags):
        yield "slide"
    if any(contents.copies(known["tile"]) for _, contents in bags):
        yield "tile"
    if row in known["row"]:
        yield "row"
    if sha256(case.encode()) in known["labelled"]:
        yield "labelled"


def _same(digests: Iterable[str], known: frozenset[str]) -> Iterator[str]:
    if not known.isdisjoint(digests):
        yield "vector"


Bag = tuple[str, str, Contents]
"""Case, digest of the slide, and what the bag holds."""


def _same_slide(bags: list[Bag]) -> Iterator[tuple[str, str, str]]:
    owners: dict[str, set[str]] = defaultdict(set)
    for case, slide, _ in bags:
        owners[slide].add(case)
    for first, second, *_ in (sorted(cases) for cases in owners.values() if len(cases) > 1):
        yield first, second, "a slide"


def _same_tiles(bags: list[Bag]) -> Iterator[tuple[str, str, str]]:
    owners: dict[str, list[int]] = defaultdict(list)
    for place, (_, _, contents) in enumerate(bags):
        for digest in contents.tiles:
            owners[digest].append(place)
    touching = {pair for places in owners.values() for pair in combinations(places, 2)}
    for first, second in touching:
        (case, _, contents), (other_case, _, other_contents) = bags[first], bags[second]
        if case != other_case and (contents.copies(other_contents.tiles) or other_contents.copies(contents.tiles)):
            yield min(case, other_case), max(case, other_case), "the features of a slide"


def _bags(case: str, embeddings: Embeddings | None) -> list[tuple[str, Contents]]:
    """Of every bag of a case the digest of its slide, and its contents."""
    if embeddings is None:
        return []
    bags = embeddings.by_case.get(case, ())
    return [(_of("slide", bag.slide_digest), embeddings.contents[bag.path]) for bag in bags]


def _of(kind: str, name: str) -> str:
    return digest_of([kind, name])
