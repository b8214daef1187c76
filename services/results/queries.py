"""The queries that REST and gRPC share."""

from dataclasses import dataclass

from medulla.v1.results_pb2 import (
    CaseCount,
    CountCasesResponse,
    GetCaseResponse,
    GetTimelineResponse,
    ListCasesResponse,
    ListNotesResponse,
    ListScoresResponse,
)

from services.results import case_state, timeline
from services.results.bucket_timeline import BucketTimeline
from services.results.case_list import PageMark, Selection, order
from services.results.errors import BadRequestError, UnknownCaseError
from services.results.named_cases import name_cases
from services.results.note import read_note
from services.results.ports import CaseFacts, ResultStore
from shared import file_names, keys
from shared.blob.port import BlobStore
from shared.canonical import sha256
from shared.erased import ErasedCases
from shared.units import CaseId

DEFAULT_PAGE = 50
LARGEST_PAGE = 200


@dataclass(frozen=True)
class Queries:
    """Answers as the messages of results.proto."""

    results: ResultStore
    blobs: BlobStore

    def list_cases(
        self, chosen: Selection, sort: str = "", page_size: int = 0, page_token: str = ""
    ) -> ListCasesResponse:
        """A page of the cases of a selection.

        Raises:
            BadRequestError: page_size is not 0 to 200, the order is unknown, or the token was not issued here for it.
        """
        size, ordered = _size(page_size), order(sort)
        rows = self.results.page(chosen, ordered, size + 1, PageMark.read(page_token, ordered))
        more = rows[size - 1][0].token() if len(rows) > size else ""
        return ListCasesResponse(cases=(shown for _, shown in rows[:size]), next_page_token=more)

    def count_cases(self, chosen: Selection) -> CountCasesResponse:
        """How many cases a selection has, by field and value."""
        counted = self.results.counts(chosen)
        counts = (
            CaseCount(field=field, value=value, cases=cases, more=field in counted.bounded)
            for field, value, cases in counted
        )
        return CountCasesResponse(cases=counted.cases, counts=counts, more=counted.more)

    def get_case(self, case_id: str) -> GetCaseResponse:
        """One case; a remark on a slide that is in two cases names the other ones.

        Raises:
            UnknownCaseError: nothing is stored of it.
        """
        answer = case_state.answer(self.facts(case_id))
        name_cases(answer.score, self.blobs)
        return answer

    def list_scores(self, case_id: str) -> ListScoresResponse:
        """Every score of a case, the current one first.

        Raises:
            UnknownCaseError: nothing is stored of it.
        """
        kept = self.results.scores(self.facts(case_id).case_id)
        return ListScoresResponse(scores=map(case_state.stored, kept))

    def list_notes(self, case_id: str) -> ListNotesResponse:
        """What people noted for a case, the latest first.

        Raises:
            UnknownCaseError: nothing is stored of it.
        """
        return ListNotesResponse(notes=map(read_note, self.results.notes(self.facts(case_id).case_id)))

    def timeline(self, case_id: str) -> GetTimelineResponse:
        """What happened to a case, the latest first; of an erased one, what its audit entries tell.

        Raises:
            UnknownCaseError: nothing is known of it.
        """
        case = keys.named_case(case_id, "the request")
        rows = self.results.audited(sha256(case.encode()))
        if rows and self.results.case(case) is None:
            return timeline.response(case, timeline.of_audit(rows))
        facts, audited = self.facts(case_id), self.results.audited(case)
        bodies = [row.body for row in reversed(audited) if row.entry.score_id and row.body]
        events = (
            *timeline.of_audit(rows + audited),
            *timeline.of_refusals(facts),
            *BucketTimeline(self.blobs)(case, bodies),
        )
        return timeline.response(case, events)

    def facts(self, case_id: str) -> CaseFacts:
        """The facts of a case; of one that landed and waits for its turn, when it landed.

        Raises:
            UnknownCaseError: nothing is stored of it.
        """
        case = keys.named_case(case_id, "the request")
        facts = self.results.case(case) or self._landed(case)
        if facts is None:
            raise UnknownCaseError(f"nothing is stored of case {case_id}")
        return facts

    def _landed(self, case: CaseId) -> CaseFacts | None:
        if ErasedCases(self.blobs).holds(case):
            return None
        prefix = keys.slides(case)
        slides = (info for info in self.blobs.list(prefix) if not file_names.is_no_slide(info.key.removeprefix(prefix)))
        vectors = (info for info in self.blobs.list(keys.vectors(case)) if not file_names.is_no_record(info.key))
        landed = next(slides, None) or self.blobs.head(keys.clinical(case)) or next(vectors, None)
        return CaseFacts(case, landed.last_modified) if landed else None


def _size(requested: int) -> int:
    if not 0 <= requested <= LARGEST_PAGE:
        raise BadRequestError(f"page_size {requested} is not between 0 and {LARGEST_PAGE}")
    return requested or DEFAULT_PAGE
