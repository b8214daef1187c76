"""Erases a case from the bucket: its inputs, all objects derived from them, and its dead letters."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from medulla.v1.events_pb2 import CaseEraseRequested, CaseRescoreRequested

from services.fusion_scorer.case_index import CaseIndex
from shared import file_names, keys
from shared.blob.port import BlobStore
from shared.bus.events import Event, event_id
from shared.erased import ErasedCases, request
from shared.units import CaseId, Sha256

_DERIVED = re.compile(r"\b(?:plans|embeddings)/([0-9a-f]{64})/")
_ATTENTION = re.compile(r"\battention/[0-9a-f]{64}/[0-9a-f]{64}\.safetensors")


Forget = Callable[[CaseId], object]
"""Removes the dead letters of a case from the bus."""


@dataclass(frozen=True)
class EraseCase:
    """One request in, all data of the case removed; running it again removes what late work wrote."""

    store: BlobStore
    forget_letters: Forget

    def __call__(self, event: CaseEraseRequested) -> list[Event]:
        """Erase the case, and ask for it once more where that is news.

        A service that had obeyed before the marker stood may have taken in more of the case until then, and one at
        work may have written more of its slides. Plans and embeddings of a slide that other cases have too stay for
        them; they are scored again, so that remarks on the slide are updated.
        """
        case = keys.case_id(event.case_id, "the request")
        is_new = ErasedCases(self.store).add(case)
        stored = self._stored(case)
        slides = {Sha256(digest) for digest in (*event.slide_digests, *_DERIVED.findall(stored))}
        others = {other for slide in slides for other in self._erase_slide(case, slide)}
        landed = keys.slides(case), keys.clinical(case), keys.vectors(case)
        kept = keys.scores(case), keys.indexed(case), keys.landings(case), keys.attempts(case)
        for name in (*landed, *self._unfinished(case), *_ATTENTION.findall(stored), *kept):
            self.store.erase(name)
        self.forget_letters(case)
        repeated = [request(case, "marked", event.event_id, slide_digests=slides)] if is_new else []
        index = CaseIndex(self.store)
        return [*repeated, *(_rescore(other, event) for other in sorted(others) if index.has_case(other))]

    def _stored(self, case: CaseId) -> str:
        """The case's index, scores and landings as one text, which names all derived objects."""
        prefixes = keys.indexed_slides(case), keys.scores(case), keys.landings(case)
        object_keys = [info.key for prefix in prefixes for info in self.store.list(prefix)]
        return "\n".join(self.store.get(key).decode(errors="replace") for key in object_keys)

    def _unfinished(self, case: CaseId) -> list[str]:
        """Files beside the case's record that are passed over, such as `clinical/{case}.json.part`."""
        record = keys.clinical(case)
        beside = (info.key for info in self.store.list(f"{record}."))
        return [key for key in beside if ".json" not in key.removeprefix(record) and file_names.is_no_record(key)]

    def _erase_slide(self, case: CaseId, slide: Sha256) -> set[CaseId]:
        """Forget that the case has the slide; returns the other cases that have it and are not withdrawn."""
        prefix = keys.cases_of(slide)
        self.store.erase(prefix + case)
        others = {CaseId(info.key.removeprefix(prefix)) for info in self.store.list(prefix)}
        others = {other for other in others if any(self.store.list(keys.slides(other)))}
        for derived in () if others else keys.derived(slide):
            self.store.erase(derived)
        return others


def _rescore(case: CaseId, event: CaseEraseRequested) -> CaseRescoreRequested:
    request = CaseRescoreRequested(
        event_id=event_id(CaseRescoreRequested, case, event.event_id), case_id=case, cause="erase"
    )
    request.as_of.GetCurrentTime()
    return request
