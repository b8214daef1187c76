"""Asks a scorer few questions at once, so that other requests find threads."""

from dataclasses import dataclass, field

from medulla.v1.scorer_pb2 import DescribeFormRequest, DescribeFormResponse, Score, ScoreCaseRequest

from services.results.case_scorer import CaseScorer
from services.results.errors import TooManyQuestionsError
from services.results.slots import Slots

AT_ONCE = 8


def _refusal() -> TooManyQuestionsError:
    return TooManyQuestionsError("too many what-if questions are open at once; ask again")


@dataclass
class BoundedScorer:
    """A CaseScorer that refuses a question where too many are open."""

    scorer: CaseScorer
    _slots: Slots = field(default_factory=lambda: Slots(AT_ONCE, _refusal), init=False)

    def score(self, request: ScoreCaseRequest, authorization: str) -> Score:
        """See CaseScorer; raises TooManyQuestionsError."""
        with self._slots.taken():
            return self.scorer.score(request, authorization)

    def describe(self, request: DescribeFormRequest, authorization: str) -> DescribeFormResponse:
        """See CaseScorer; raises TooManyQuestionsError."""
        with self._slots.taken():
            return self.scorer.describe(request, authorization)
