"""The gRPC face: translates a request into a question; interceptors check tokens and map errors."""

from typing import Protocol

import grpc
from medulla.v1 import scorer_pb2, scorer_pb2_grpc
from typing_extensions import override


class Questions(Protocol):
    """What is asked about stored cases; see `WhatIf`."""

    def __call__(self, request: scorer_pb2.ScoreCaseRequest) -> scorer_pb2.Score:
        """Score a case."""

    def describe(self, request: scorer_pb2.DescribeFormRequest) -> scorer_pb2.DescribeFormResponse:
        """Describe the form."""


class ScorerServicer(scorer_pb2_grpc.ScorerServiceServicer):
    """Answers "what if"."""

    def __init__(self, what_if: Questions) -> None:
        self._what_if = what_if

    @override
    def ScoreCase(
        self, request: scorer_pb2.ScoreCaseRequest, context: grpc.ServicerContext
    ) -> scorer_pb2.ScoreCaseResponse:
        """A score that is neither stored nor published."""
        return scorer_pb2.ScoreCaseResponse(score=self._what_if(request))

    @override
    def DescribeForm(
        self, request: scorer_pb2.DescribeFormRequest, context: grpc.ServicerContext
    ) -> scorer_pb2.DescribeFormResponse:
        """What a form of such questions is made of."""
        return self._what_if.describe(request)
