"""Answers to "what if" on the page of `medulla up`: the scorer's, in this process."""

from dataclasses import dataclass

from medulla.v1.scorer_pb2 import DescribeFormRequest, DescribeFormResponse, Score, ScoreCaseRequest

from services.fusion_scorer.what_if import WhatIf
from services.results.case_scorer import refused
from shared.errors import PermanentError


@dataclass(frozen=True)
class LaptopScorer:
    """The scorer without a network."""

    what_if: WhatIf

    def score(self, request: ScoreCaseRequest, authorization: str) -> Score:  # noqa: ARG002 - there are no tokens
        """See CaseScorer."""
        try:
            return self.what_if(request)
        except PermanentError as error:
            raise refused(error) from error

    def describe(self, request: DescribeFormRequest, authorization: str) -> DescribeFormResponse:  # noqa: ARG002 - as above
        """See CaseScorer."""
        try:
            return self.what_if.describe(request)
        except PermanentError as error:
            raise refused(error) from error
