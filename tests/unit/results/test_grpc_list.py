"""The list, counts, notes and the timeline over gRPC are those of REST."""

from collections.abc import Iterator

import grpc
import pytest
from medulla.v1.results_pb2 import (
    CaseFilter,
    CountCasesRequest,
    GetTimelineRequest,
    ListCasesRequest,
    ListNotesRequest,
)
from medulla.v1.results_pb2_grpc import ResultsServiceStub

from shared.rpc.auth import OpenOnLoopback
from tests.support import scores as samples
from tests.support.results import Results, over_grpc

_WAIT_S = 10


@pytest.fixture
def stub(results: Results) -> Iterator[ResultsServiceStub]:
    results.score(samples.score("MB-1"), minutes=1)
    results.score(samples.abstained("MB-2"), minutes=2)
    with over_grpc(results, OpenOnLoopback("127.0.0.1")) as address, grpc.insecure_channel(address) as channel:
        yield ResultsServiceStub(channel)


def test_a_filter_and_an_order_select_cases(stub: ResultsServiceStub) -> None:
    everything = stub.ListCases(ListCasesRequest(sort="case"), timeout=_WAIT_S)
    scored = stub.ListCases(ListCasesRequest(filter=CaseFilter(states=["scored"])), timeout=_WAIT_S)
    assert [case.case_id for case in everything.cases] == ["MB-1", "MB-2"]
    assert [case.case_id for case in scored.cases] == ["MB-1"]


def test_cases_are_counted_by_state(stub: ResultsServiceStub) -> None:
    answer = stub.CountCases(CountCasesRequest(filter=CaseFilter(query="mb")), timeout=_WAIT_S)
    states = {count.value: count.cases for count in answer.counts if count.field == "state"}
    assert (answer.cases, states) == (2, {"scored": 1, "abstained": 1})


def test_an_unknown_state_is_an_invalid_argument(stub: ResultsServiceStub) -> None:
    with pytest.raises(grpc.RpcError, match="allowed are in_progress, scored") as caught:
        stub.ListCases(ListCasesRequest(filter=CaseFilter(states=["done"])), timeout=_WAIT_S)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_timeline_and_notes_are_answered(stub: ResultsServiceStub) -> None:
    events = stub.GetTimeline(GetTimelineRequest(case_id="MB-1"), timeout=_WAIT_S).events
    assert [event.kind for event in events] == ["scored"]
    assert list(stub.ListNotes(ListNotesRequest(case_id="MB-1"), timeout=_WAIT_S).notes) == []
