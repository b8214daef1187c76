"""Erases a case from the bucket: what was landed, all that was derived from it, and its dead letters."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from medulla.v1.events_pb2 import CaseEraseRequested

from shared import keys
from shared.blob.port import BlobStore
from shared.erased import ErasedCases
from shared.units import CaseId, Sha256

_DERIVED = re.compile(r"\b(?:plans|embeddings)/([0-9a-f]{64})/")
_ATTENTION = re.compile(r"\battention/[0-9a-f]{64}/[0-9a-f]{64}\.safetensors")


Forget = Callable[[CaseId], object]
"""Removes the dead letters of a case from the bus."""


@dataclass(frozen=True)
class EraseCase:
    """One request in, nothing of the case left; running it again removes what late work wrote."""

    store: BlobStore
    forget_letters: Forget

    def __call__(self, event: CaseEraseRequested) -> tuple[()]:
        """Erase the case. Plans and embeddings of a slide that another case has too stay for that case."""
        case = keys.case_id(event.case_id, "the request")
        ErasedCases(self.store).add(case)
        stored = self._stored(case)
        for slide in {Sha256(digest) for digest in (*event.slide_digests, *_DERIVED.findall(stored))}:
            self._erase_slide(case, slide)
        landed = keys.slides(case), keys.clinical(case), keys.vectors(case)
        kept = keys.scores(case), keys.indexed(case), keys.landings(case)
        for name in (*landed, *_ATTENTION.findall(stored), *kept):
            self.store.erase(name)
        self.forget_letters(case)
        return ()

    def _stored(self, case: CaseId) -> str:
        """All that index, scores and the tiler's memory hold of the case, as one text: it names what is derived."""
        prefixes = keys.indexed_slides(case), keys.scores(case), keys.landings(case)
        found = [info.key for prefix in prefixes for info in self.store.list(prefix)]
        return "\n".join(self.store.get(key).decode() for key in found)

    def _erase_slide(self, case: CaseId, slide: Sha256) -> None:
        self.store.erase(keys.cases_of(slide) + case)
        if next(iter(self.store.list(keys.cases_of(slide))), None) is None:
            for prefix in keys.derived(slide):
                self.store.erase(prefix)
