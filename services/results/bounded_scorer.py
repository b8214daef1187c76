"""Asks a scorer few questions at once, so that other requests find threads."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore

from medulla.v1.scorer_pb2 import DescribeFormRequest, DescribeFormResponse, Score, ScoreCaseRequest

from services.results.case_scorer import CaseScorer
from services.results.errors import TooManyQuestionsError

AT_ONCE = 8
_WAIT_S = 2.0


@dataclass
class BoundedScorer:
    """A CaseScorer that refuses a question where too many are open."""

    scorer: CaseScorer
    _free: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(AT_ONCE), init=False)

    def score(self, request: ScoreCaseRequest, authorization: str) -> Score:
        """See CaseScorer; raises TooManyQuestionsError."""
        with self._slot():
            return self.scorer.score(request, authorization)

    def describe(self, request: DescribeFormRequest, authorization: str) -> DescribeFormResponse:
        """See CaseScorer; raises TooManyQuestionsError."""
        with self._slot():
            return self.scorer.describe(request, authorization)

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._free.acquire(timeout=_WAIT_S):
            raise TooManyQuestionsError("too many what-if questions are open at once; ask again")
        try:
            yield
        finally:
            self._free.release()
