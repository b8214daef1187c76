"""Marks the cases that a sweep has nothing to do for, so that the next one sees it in the listing."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared import keys
from shared.blob.port import BlobInfo, BlobStore
from shared.canonical import digest_of
from shared.case_walk import ListedCase


@dataclass(frozen=True)
class SettledMarks:
    """Marks below `prefix`, objects of an empty record in the folder of their case, so that they are erased with it.

    A mark is named after the digest of what was listed of the case: once anything of that changes, it counts no more.
    """

    store: BlobStore
    prefix: str
    """One of those that are walked."""
    sweep: str
    """Name of the sweep; each has marks of its own."""
    parameters: str = ""
    """Whatever else the sweep depends on."""

    def settled(self, case: ListedCase) -> bool:
        """Whether the case was found settled as it is listed."""
        name = self._name(case)
        return any(info.key == name for info in case.below(self.prefix))

    def settle(self, case: ListedCase) -> None:
        """Mark the case as settled as it is listed, in place of earlier marks."""
        name = self._name(case)
        self.store.put_new(name, b"{}")
        for info in case.below(self.prefix):
            if info.key.startswith(self._own(case)) and info.key != name:
                self.store.delete(info.key)

    def _own(self, case: ListedCase) -> str:
        return f"{keys.settled(self.prefix, case.case_id)}{self.sweep}@"

    def _name(self, case: ListedCase) -> str:
        versions = [[info.key, info.etag] for info in self._listed(case)]
        return f"{self._own(case)}{digest_of([self.parameters, versions])}.json"

    def _listed(self, case: ListedCase) -> Iterator[BlobInfo]:
        """What was listed of the case, without marks, which say nothing of it."""
        marks = keys.settled(self.prefix, case.case_id)
        for prefix in sorted(case.objects):
            yield from (info for info in case.objects[prefix] if not info.key.startswith(marks))
