"""The leak detector: nothing of a patient may stand on both sides of a split."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.trainer.cohort.embeddings import Embeddings
from services.trainer.errors import LeakError
from shared.canonical import digest_of, sha256

_NAMED = 10
_ONE = {"patient": "a case_id", "slide": "a slide", "embedding": "the features of a slide"}


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A digest by which two cases can be recognised as the same, and of what it is."""

    kind: str
    digest: str


def fingerprints(case_ids: Iterable[str], embeddings: Embeddings | None) -> dict[str, set[Fingerprint]]:
    """For each case: its id, its slides and the features of its slides, all as SHA-256."""
    found: dict[str, set[Fingerprint]] = {}
    for case in case_ids:
        found[case] = {Fingerprint("patient", digest_of(["case", case]))}
        for bag in embeddings.by_case.get(case, ()) if embeddings else ():
            found[case].add(Fingerprint("slide", digest_of(["slide", bag.slide_digest])))
            if bag.tiles:
                found[case].add(Fingerprint("embedding", sha256(bytes(bag.rows()[:64].tobytes()))))
    return found


def check_within(case_ids: Iterable[str], embeddings: Embeddings | None) -> None:
    """Refuse a cohort in which two cases share a slide or its features, since a split could part them.

    Raises:
        LeakError: naming the pairs.
    """
    owners: dict[Fingerprint, list[str]] = defaultdict(list)
    for case, prints in fingerprints(case_ids, embeddings).items():
        for item in prints:
            owners[item].append(case)
    shared = sorted({(item.kind, *sorted(cases)[:2]) for item, cases in owners.items() if len(cases) > 1})
    if shared:
        said = ", ".join(f"{first} and {second} share {_ONE[kind]}" for kind, first, second in shared[:_NAMED])
        count = "a pair of cases is" if len(shared) == 1 else f"{len(shared)} pairs of cases are"
        raise LeakError(f"{count} not independent: {said}")


def check_between(
    trained_on: Mapping[str, Iterable[str]], case_ids: Iterable[str], embeddings: Embeddings | None
) -> None:
    """Refuse to validate on cases of the training cohort; `trained_on` has digests by kind.

    Raises:
        LeakError: naming the cases.
    """
    known = {kind: frozenset(digests) for kind, digests in trained_on.items()}
    shared = sorted(
        {
            (item.kind, case)
            for case, prints in fingerprints(case_ids, embeddings).items()
            for item in prints
            if item.digest in known.get(item.kind, ())
        }
    )
    if shared:
        said = ", ".join(f"{case} ({kind})" for kind, case in shared[:_NAMED])
        raise LeakError(f"{len({case for _, case in shared})} cases were in the training cohort of the bundle: {said}")
