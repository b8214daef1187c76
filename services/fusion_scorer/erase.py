"""Erases a case from the bucket: its inputs, all objects derived from them, and its dead letters."""

from collections.abc import Callable
from dataclasses import dataclass

from medulla.v1.events_pb2 import CaseEraseRequested, CaseRescoreRequested

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.derived_objects import DerivedObjects
from shared import file_names, keys
from shared.blob.port import BlobStore
from shared.bus.events import Event, event_id
from shared.erased import ErasedCases, request
from shared.units import CaseId

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
        them; they are scored again, so that remarks on the slide are updated. A request with a condition is left to
        results, which asks again without one.
        """
        case = keys.case_id(event.case_id, "the request")
        if event.HasField("idle_since"):
            return []
        is_new = ErasedCases(self.store).add(case, event.event_id, event.cause)
        erased = DerivedObjects(self.store).erase_case(case, event.slide_digests)
        for name in (keys.slides(case), keys.clinical(case), keys.vectors(case), *self._unfinished(case)):
            self.store.erase(name)
        self.forget_letters(case)
        again = request(case, "marked", event.event_id, slide_digests=erased.slides, first_cause=event.cause)
        index = CaseIndex(self.store)
        rescored: list[Event] = [_rescore(other, event) for other in sorted(erased.others) if index.has_case(other)]
        return [again, *rescored] if is_new else rescored

    def _unfinished(self, case: CaseId) -> list[str]:
        """Files beside the case's record that are passed over, such as `clinical/{case}.json.part`."""
        record = keys.clinical(case)
        beside = (info.key for info in self.store.list(f"{record}."))
        return [key for key in beside if ".json" not in key.removeprefix(record) and file_names.is_no_record(key)]


def _rescore(case: CaseId, event: CaseEraseRequested) -> CaseRescoreRequested:
    request = CaseRescoreRequested(
        event_id=event_id(CaseRescoreRequested, case, event.event_id), case_id=case, cause="erase"
    )
    request.as_of.GetCurrentTime()
    return request
