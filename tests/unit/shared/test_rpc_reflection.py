"""gRPC servers describe their services where the operator asks for it, and only to those they answer."""

from collections.abc import Callable
from typing import cast
from unittest.mock import Mock

import grpc
import pytest
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from medulla.v1 import scorer_pb2
from pydantic import SecretStr

import services.fusion_scorer.__main__ as scorer
import services.results.__main__ as results
import services.tiler.__main__ as tiler
from services.fusion_scorer.settings import ScorerSettings
from services.results.settings import ResultsSettings
from services.tiler.settings import TilerSettings
from shared.rpc.auth import TokenVerifier, require_role
from shared.rpc.client import channel
from shared.rpc.server import GrpcServer
from shared.settings import AuthSettings, PlatformSettings
from tests.support.results import running
from tests.support.rpc import serving_scorer

ANY = "127.0.0.1:0"
OWN = {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


def services_of(port: int) -> set[str]:
    with channel(f"127.0.0.1:{port}") as opened:
        return set(ProtoReflectionDescriptorDatabase(opened).get_services())


def test_a_server_names_its_services_and_their_methods() -> None:
    with serving_scorer(lambda _: None, reflects=scorer_pb2.DESCRIPTOR) as port:
        assert services_of(port) == OWN | {"medulla.v1.ScorerService"}
        with channel(f"127.0.0.1:{port}") as opened:
            file = ProtoReflectionDescriptorDatabase(opened).FindFileContainingSymbol("medulla.v1.ScorerService")
    assert "ScoreCase" in {method.name for method in file.service[0].method}


def test_a_server_describes_nothing_unless_it_is_asked_to() -> None:
    with serving_scorer(lambda _: None) as port, pytest.raises(grpc.RpcError) as refusal:
        services_of(port)
    assert cast("grpc.Call", refusal.value).code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_server_describes_nothing_without_a_token() -> None:
    guard = require_role(TokenVerifier(AuthSettings(issuer="http://127.0.0.1:9")), {"viewer"})
    options = {"reflects": scorer_pb2.DESCRIPTOR, "interceptors": [guard]}
    with serving_scorer(lambda _: None, **options) as port, pytest.raises(grpc.RpcError) as refusal:
        services_of(port)
    assert cast("grpc.Call", refusal.value).code() is grpc.StatusCode.UNAUTHENTICATED


SERVERS: dict[str, Callable[[PlatformSettings], GrpcServer]] = {
    "TileService": lambda platform: tiler._grpc(TilerSettings(address=ANY), platform, Mock(), Mock()),
    "ScorerService": lambda platform: scorer._grpc(ScorerSettings(grpc_address=ANY), platform, Mock()),
    "ResultsService": lambda platform: results._grpc(
        ResultsSettings(grpc_address=ANY, database_url=SecretStr("sqlite://")), platform, Mock(), Mock(), Mock()
    ),
}


@pytest.mark.parametrize("service", SERVERS)
def test_every_service_has_the_same_switch(service: str) -> None:
    server = SERVERS[service](PlatformSettings(grpc_reflection=True))
    with running(server):
        assert services_of(server.port) == OWN | {f"medulla.v1.{service}"}
