"""Answers to "what if" from the scorer's gRPC, asked with the caller's own token."""

from collections.abc import Callable
from typing import TypeVar

import grpc
from medulla.v1.scorer_pb2 import DescribeFormRequest, DescribeFormResponse, Score, ScoreCaseRequest
from medulla.v1.scorer_pb2_grpc import ScorerServiceStub

from services.results.case_scorer import refused
from shared.errors import PermanentError, TransientError
from shared.rpc.client import as_medulla

Answer = TypeVar("Answer")
_DEADLINE_S = 20.0
"""Of one call; the slides of a case are read from the bucket."""


class GrpcScorer:
    """`ScorerService`; the caller closes the channel."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = ScorerServiceStub(channel)

    def score(self, request: ScoreCaseRequest, authorization: str) -> Score:
        """See CaseScorer."""
        metadata = _metadata(authorization)
        return _answer(lambda: self._stub.ScoreCase(request, timeout=_DEADLINE_S, metadata=metadata)).score

    def describe(self, request: DescribeFormRequest, authorization: str) -> DescribeFormResponse:
        """See CaseScorer."""
        metadata = _metadata(authorization)
        return _answer(lambda: self._stub.DescribeForm(request, timeout=_DEADLINE_S, metadata=metadata))


def _metadata(authorization: str) -> tuple[tuple[str, str | bytes], ...]:
    return (("authorization", authorization),) if authorization else ()


def _answer(call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    except grpc.RpcError as error:
        meaning = as_medulla(error)
        if isinstance(meaning, TransientError):
            raise TransientError("the scorer does not answer now; ask again") from error
        raise (refused(meaning) if isinstance(meaning, PermanentError) else meaning) from error
