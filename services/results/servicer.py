"""The gRPC API: translates requests into queries; interceptors check tokens and map errors."""

from collections.abc import Iterator

import grpc
from medulla.v1 import results_pb2, results_pb2_grpc
from typing_extensions import override

from services.results.case_list import from_message
from services.results.progress_feed import Feed
from services.results.queries import Queries
from services.results.viewing import CASE, LIST, Viewed
from shared import keys
from shared.rpc.auth import CallerCheck


class ResultsServicer(results_pb2_grpc.ResultsServiceServicer):
    """Serves ResultsService from the same queries as REST; streams repeat `check` of their caller."""

    def __init__(self, queries: Queries, feed: Feed, check: CallerCheck, viewed: Viewed) -> None:
        self._queries = queries
        self._feed = feed
        self._check = check
        self._viewed = viewed

    @override
    def ListCases(
        self, request: results_pb2.ListCasesRequest, context: grpc.ServicerContext
    ) -> results_pb2.ListCasesResponse:
        """A page of cases."""
        self._viewed(context, "", LIST)
        chosen = from_message(request.filter)
        return self._queries.list_cases(chosen, request.sort, request.page_size, request.page_token)

    @override
    def CountCases(
        self, request: results_pb2.CountCasesRequest, context: grpc.ServicerContext
    ) -> results_pb2.CountCasesResponse:
        """Counts of cases."""
        return self._queries.count_cases(from_message(request.filter))

    @override
    def GetCase(
        self, request: results_pb2.GetCaseRequest, context: grpc.ServicerContext
    ) -> results_pb2.GetCaseResponse:
        """One case."""
        self._viewed(context, request.case_id, CASE)
        return self._queries.get_case(request.case_id)

    @override
    def ListScores(
        self, request: results_pb2.ListScoresRequest, context: grpc.ServicerContext
    ) -> results_pb2.ListScoresResponse:
        """Every score of a case."""
        self._viewed(context, request.case_id, CASE)
        return self._queries.list_scores(request.case_id)

    @override
    def GetTimeline(
        self, request: results_pb2.GetTimelineRequest, context: grpc.ServicerContext
    ) -> results_pb2.GetTimelineResponse:
        """What happened to a case."""
        self._viewed(context, request.case_id, CASE)
        return self._queries.timeline(request.case_id)

    @override
    def ListNotes(
        self, request: results_pb2.ListNotesRequest, context: grpc.ServicerContext
    ) -> results_pb2.ListNotesResponse:
        """What people noted for a case."""
        self._viewed(context, request.case_id, CASE)
        return self._queries.list_notes(request.case_id)

    @override
    def WatchProgress(
        self, request: results_pb2.WatchProgressRequest, context: grpc.ServicerContext
    ) -> Iterator[results_pb2.WatchProgressResponse]:
        """Progress until the caller hangs up or its token expires."""
        if request.case_id:
            keys.named_case(request.case_id, "the request")
        with self._feed.watch(request.case_id) as look:
            while context.is_active() and not self._feed.closed:
                self._check(context)
                yield from (results_pb2.WatchProgressResponse(progress=progress) for progress in look().progress)
                self._feed.wait()
