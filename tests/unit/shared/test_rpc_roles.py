"""Who may call over gRPC: tokens and roles."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from medulla.v1 import tiles_pb2, tiles_pb2_grpc

from shared.errors import TransientError
from shared.rpc.auth import ForbiddenError, TokenVerifier, UnauthenticatedError, require_role
from shared.rpc.client import as_medulla, channel
from shared.settings import AuthSettings
from tests.support.oidc_issuer import OidcIssuer
from tests.support.rpc import SCORE_CASE, Tiles, ask, counted, serving_scorer, serving_tiles

BAD: dict[str, dict[str, Any]] = {
    "expired": {"exp": 1},
    "another audience": {"aud": "x"},
    "another issuer": {"iss": "http://x"},
}


class TestRoles:
    @pytest.fixture(scope="class")
    def issuer(self) -> Iterator[OidcIssuer]:
        with OidcIssuer(roles=("viewer",)) as running:
            yield running

    @pytest.fixture
    def port(self, issuer: OidcIssuer) -> Iterator[int]:
        verifying = TokenVerifier(AuthSettings(issuer=issuer.url, timeout_s=2))
        with serving_scorer(lambda _: None, interceptors=[require_role(verifying, {"viewer", "operator"})]) as port:
            yield port

    def test_a_good_token_is_let_in(self, issuer: OidcIssuer, port: int) -> None:
        assert ask(port, token=issuer.token).case_id == "c1"

    @pytest.mark.parametrize("token", BAD)
    def test_a_bad_token_is_refused(self, issuer: OidcIssuer, port: int, token: str) -> None:
        before = counted(SCORE_CASE, "UNAUTHENTICATED")
        with pytest.raises(UnauthenticatedError, match=token):
            ask(port, token=lambda: issuer.token(**BAD[token]))
        assert counted(SCORE_CASE, "UNAUTHENTICATED") == before + 1

    def test_no_token_is_not_let_in(self, port: int) -> None:
        with pytest.raises(UnauthenticatedError, match="no bearer token"):
            ask(port)

    def test_a_token_without_the_role_is_forbidden(self, issuer: OidcIssuer, port: int) -> None:
        with pytest.raises(ForbiddenError, match="operator or viewer"):
            ask(port, token=lambda: issuer.token(roles=["gardener"]))

    def test_a_stream_is_guarded_too(self, issuer: OidcIssuer) -> None:
        guard = require_role(TokenVerifier(AuthSettings(issuer=issuer.url, timeout_s=2)), {"operator"})
        with (
            serving_tiles(Tiles(), interceptors=[guard]) as port,
            channel(f"127.0.0.1:{port}", token=issuer.token) as opened,
        ):
            stream = tiles_pb2_grpc.TileServiceStub(opened).StreamTiles(tiles_pb2.StreamTilesRequest())
            with pytest.raises(grpc.RpcError) as caught:
                next(stream)
        assert isinstance(as_medulla(caught.value), ForbiddenError)

    def test_an_issuer_that_is_down_is_unavailable(self) -> None:
        with OidcIssuer() as issuer:
            token = issuer.token()
            issuer.down = True
            guard = require_role(TokenVerifier(AuthSettings(issuer=issuer.url, timeout_s=2)), {"viewer"})
            with (
                serving_scorer(lambda _: None, interceptors=[guard]) as port,
                pytest.raises(TransientError, match="issuer"),
            ):
                ask(port, token=lambda: token)
