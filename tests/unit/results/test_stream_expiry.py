"""A stream ends when its caller's token expires, and says why."""

import time
from http.client import HTTPResponse
from urllib.request import Request, urlopen

import grpc
import pytest
from medulla.v1.results_pb2 import WatchProgressRequest
from medulla.v1.results_pb2_grpc import ResultsServiceStub

from shared.rpc.auth import TokenVerifier
from shared.rpc.client import channel
from shared.settings import AuthSettings
from tests.support.oidc_issuer import OidcIssuer
from tests.support.results import Results, over_grpc, over_http


@pytest.fixture
def verifier(issuer: OidcIssuer) -> TokenVerifier:
    return TokenVerifier(AuthSettings(issuer=issuer.url, leeway_s=0))


@pytest.fixture
def short_token(issuer: OidcIssuer) -> str:
    return issuer.token(exp=int(time.time()) + 2)


def test_a_stream_of_events_ends_with_the_token(results: Results, verifier: TokenVerifier, short_token: str) -> None:
    with over_http(results, verifier) as address:
        request = Request(f"{address}/api/v1/progress", headers={"Authorization": f"Bearer {short_token}"})  # noqa: S310 - own server
        response: HTTPResponse
        with urlopen(request, timeout=10) as response:  # noqa: S310 - own server
            text = response.read().decode()
    ending = 'event: unauthorized\ndata: {"reason": "unauthorized", "detail": "the token has expired"}\n\n'
    assert text.startswith("retry: 3000")
    assert text.endswith(ending)


def test_a_grpc_stream_ends_with_the_token(results: Results, verifier: TokenVerifier, short_token: str) -> None:
    with over_grpc(results, verifier) as address, channel(address, token=lambda: short_token) as opened:
        stream = ResultsServiceStub(opened).WatchProgress(WatchProgressRequest(), timeout=10)
        with pytest.raises(grpc.RpcError) as caught:
            list(stream)
    assert isinstance(caught.value, grpc.Call)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert caught.value.details() == "the token has expired"
