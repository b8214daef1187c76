"""Any text in a cursor or a parameter is a bad request or no match, over REST and over gRPC: never an error of ours."""

from collections.abc import Callable, Iterator
from http import HTTPStatus

import grpc
import pytest
from fastapi.testclient import TestClient
from google.protobuf import json_format
from medulla.v1.results_pb2 import CaseFilter, CountCasesRequest, GetCaseRequest, ListCasesRequest
from medulla.v1.results_pb2_grpc import ResultsServiceStub

from services.results.case_list import Order
from services.results.rest import create_app
from services.results.sse import Rhythm
from shared.rpc.auth import OpenOnLoopback
from tests.support import scores as samples
from tests.support.hostile_text import ODD_TOKENS, TEXTS, TOKENS
from tests.support.results import Results, over_grpc

_WAIT_S = 10
_SORTS = (Order.NEWEST, Order.HIGHEST_RISK)
_MAP = "/cases/MB-1/attention.geojson"
_FILTERS = ("state", "group", "certainty", "flag", "site", "reason", "q", "sort", "page_size", "page_token")
_EXPECTED = {200, 400, 404, 422}


@pytest.fixture
def client(results: Results) -> TestClient:
    results.score(samples.score("MB-1"))
    return TestClient(
        create_app(results.backends(), rhythm=Rhythm(life_s=0)),
        base_url="http://127.0.0.1",
        raise_server_exceptions=False,
    )


@pytest.fixture
def stub(results: Results) -> Iterator[ResultsServiceStub]:
    results.score(samples.score("MB-1"))
    with over_grpc(results, OpenOnLoopback("127.0.0.1")) as address, grpc.insecure_channel(address) as channel:
        yield ResultsServiceStub(channel)


def test_a_page_token_of_any_text_is_a_bad_request(client: TestClient) -> None:
    for sort in _SORTS:
        for token in TOKENS:
            answer = client.get("/api/v1/cases", params={"sort": sort, "page_token": token})
            assert (answer.status_code, answer.json().get("reason")) == (HTTPStatus.BAD_REQUEST, "bad_request"), (
                sort,
                token[:90],
            )
            assert answer.headers["content-type"] == "application/problem+json"


def test_a_parameter_of_any_text_is_answered(client: TestClient) -> None:
    parameters = [("/cases", name) for name in _FILTERS]
    parameters += [("/progress", "case_id"), (_MAP, "slide"), (_MAP, "most")]
    answers = [
        (path, name, text, client.get(f"/api/v1{path}", params={name: text}).status_code)
        for path, name in parameters
        for text in TEXTS
    ]
    assert [answer for answer in answers if answer[-1] not in _EXPECTED] == []


def _code(call: Callable[..., object], request: object) -> grpc.StatusCode:
    try:
        call(request, timeout=_WAIT_S)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def test_a_page_token_of_any_text_is_an_invalid_argument(stub: ResultsServiceStub) -> None:
    requests = [ListCasesRequest(sort=sort, page_token=token) for sort in _SORTS for token in TOKENS]
    requests += [ListCasesRequest(page_size=size) for size in (-1, 201, 2**31 - 1, -(2**31))]
    codes = [_code(stub.ListCases, request) for request in requests]
    assert set(codes) == {grpc.StatusCode.INVALID_ARGUMENT}


def test_a_field_of_any_text_is_answered_over_grpc(stub: ResultsServiceStub) -> None:
    fields = ("states", "groups", "flags", "sites", "reasons")
    chosen = [json_format.ParseDict({name: [text]}, CaseFilter()) for name in fields for text in TEXTS]
    codes = {_code(stub.CountCases, CountCasesRequest(filter=each)) for each in chosen}
    codes |= {_code(stub.GetCase, GetCaseRequest(case_id=text)) for text in TEXTS}
    codes |= {_code(stub.ListCases, ListCasesRequest(sort=text)) for text in TEXTS}
    assert codes <= {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}


def test_odd_values_in_a_page_token_break_nothing(client: TestClient) -> None:
    params = [{"sort": sort, "page_token": token} for sort in _SORTS for token in ODD_TOKENS]
    assert {client.get("/api/v1/cases", params=each).status_code for each in params} == {200, 400}
