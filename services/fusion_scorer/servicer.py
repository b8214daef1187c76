"""The gRPC face: translates a request into a question; interceptors check tokens and map errors."""

from collections.abc import Callable

import grpc
from medulla.v1 import scorer_pb2, scorer_pb2_grpc
from typing_extensions import override


class ScorerServicer(scorer_pb2_grpc.ScorerServiceServicer):
    """Answers "what if"."""

    def __init__(self, what_if: Callable[[scorer_pb2.ScoreCaseRequest], scorer_pb2.Score]) -> None:
        self._what_if = what_if

    @override
    def ScoreCase(
        self, request: scorer_pb2.ScoreCaseRequest, context: grpc.ServicerContext
    ) -> scorer_pb2.ScoreCaseResponse:
        """A score that is neither stored nor published."""
        return scorer_pb2.ScoreCaseResponse(score=self._what_if(request))
