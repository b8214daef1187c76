"""The interface of whatever answers "what if" about a stored case: the scorer, by gRPC or in this process."""

from typing import Protocol

from medulla.v1.scorer_pb2 import DescribeFormRequest, DescribeFormResponse, Score, ScoreCaseRequest

from services.results.errors import RefusedQuestionError, UnknownCaseError
from shared.errors import PermanentError


class CaseScorer(Protocol):
    """Scores stored cases with other inputs; stores nothing. Safe to use from several threads.

    `authorization` is the header of the request that is answered, empty where none is needed.
    """

    def score(self, request: ScoreCaseRequest, authorization: str) -> Score:
        """The score of a case with the inputs of the request.

        Raises:
            UnknownCaseError: nothing is stored of the case.
            RefusedQuestionError: the record, a vector or another parameter is refused.
            UnauthenticatedError, ForbiddenError: the scorer does not admit the caller.
            TransientError: the scorer is down or busy.
        """

    def describe(self, request: DescribeFormRequest, authorization: str) -> DescribeFormResponse:
        """What a form of such questions is made of; errors as above."""


def refused(error: PermanentError) -> PermanentError:
    """What a refusal by the scorer means here, by its reason."""
    if error.reason == UnknownCaseError.reason:
        return UnknownCaseError(str(error))
    return RefusedQuestionError(str(error), error.reason, error.advice)
