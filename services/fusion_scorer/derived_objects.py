"""Erases what services wrote of a case: its index, scores and landings, and all that was derived from its slides."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from shared import keys
from shared.blob.port import BlobStore, ObjectChangedError
from shared.units import CaseId, Sha256

_DERIVED = re.compile(r"\b(?:plans|embeddings)/([0-9a-f]{64})/")
_ATTENTION = re.compile(r"\battention/[0-9a-f]{64}/[0-9a-f]{64}\.safetensors")


@dataclass(frozen=True, slots=True)
class ErasedObjects:
    """The slides of a case whose objects were erased."""

    slides: frozenset[Sha256]
    others: frozenset[CaseId]
    """Other cases that hold some of them, and keep what is derived from those."""


@dataclass(frozen=True)
class DerivedObjects:
    """Objects that services wrote of cases; inputs are not touched."""

    store: BlobStore

    def erase_case(self, case: CaseId, slide_digests: Iterable[str] = ()) -> ErasedObjects:
        """Erase what services wrote of the case; `slide_digests` are those of slides that it may not name any more.

        Its slides are named below `erased/slides/` before their names go: a process that passed its last check of the
        case before the erasure may write more of them, and be killed.
        """
        stored = self._stored(case)
        slides = frozenset(Sha256(digest) for digest in (*slide_digests, *_DERIVED.findall(stored)))
        for slide in slides:
            self.store.put(keys.erased_slide(slide), b"{}")
            self.store.erase(keys.case_of(slide, case))
        others = frozenset(other for slide in slides for other in self.erase_slide(slide))
        kept = keys.scores(case), keys.indexed(case), keys.landings(case), keys.attempts(case)
        for name in (*_ATTENTION.findall(stored), *kept):
            self.store.erase(name)
        return ErasedObjects(slides, others)

    def erase_slide(self, slide: Sha256) -> set[CaseId]:
        """Erase what was derived from a slide unless cases hold it; returns these.

        A case that took the slide in meanwhile may have relied on what was erased: the slide is planned again.
        """
        holders = self._holders(slide)
        if not holders:
            for derived in keys.derived(slide):
                self.store.erase(derived)
            for late in self._holders(slide):
                self._forget_outcomes(late)
        return holders

    def _holders(self, slide: Sha256) -> set[CaseId]:
        """The cases that hold the slide and are not withdrawn."""
        prefix = keys.cases_of(slide)
        marked = [CaseId(info.key.removeprefix(prefix)) for info in self.store.list(prefix)]
        return {case for case in marked if any(self.store.list(keys.slides(case)))}

    def _forget_outcomes(self, case: CaseId) -> None:
        """Remove the tiler's outcomes of a case, not the names of its slides; its sweep finds them missing."""
        prefix = keys.landings(case)
        for info in list(self.store.list(prefix)):
            if "/" not in info.key.removeprefix(prefix):
                self.store.delete(info.key)

    def _stored(self, case: CaseId) -> str:
        """The case's index, scores and landings as one text, which names all derived objects."""
        prefixes = keys.indexed_slides(case), keys.scores(case), keys.landings(case)
        object_keys = [info.key for prefix in prefixes for info in self.store.list(prefix)]
        return "\n".join(map(self._text, object_keys))

    def _text(self, key: str) -> str:
        """An object as text; empty if another erasure of the case, which has read it too, was faster."""
        try:
            return self.store.get(key).decode(errors="replace")
        except ObjectChangedError:
            if self.store.head(key) is not None:
                raise
            return ""
