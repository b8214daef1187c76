"""gRPC: errors keep their meaning from one service to the next, nothing waits for ever."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any, ClassVar

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from medulla.v1 import scorer_pb2, scorer_pb2_grpc, tiles_pb2, tiles_pb2_grpc
from prometheus_client import REGISTRY

from shared.errors import PermanentError, PoisonMessageError, TransientError
from shared.health import BusyAddressError
from shared.rpc.auth import ForbiddenError, OpenOnLoopback, TokenVerifier, UnauthenticatedError, require_role
from shared.rpc.client import ClientTls, RefusedByServerError, as_medulla, channel, raise_as_medulla
from shared.rpc.server import GrpcServer, ServerTls
from shared.settings import AuthSettings
from shared.tracing import span
from tests.support.certificates import self_signed
from tests.support.oidc_issuer import OidcIssuer
from tests.support.spans import recorded_spans

SCORE_CASE = "/medulla.v1.ScorerService/ScoreCase"
STREAM_TILES = "/medulla.v1.TileService/StreamTiles"


class NothingStoredError(PermanentError):
    reason = "bad_case_id"
    advice = "Land a slide of the case first; 1 µm pixels will do."
    grpc_code: ClassVar[grpc.StatusCode] = grpc.StatusCode.NOT_FOUND


class Scorer(scorer_pb2_grpc.ScorerServiceServicer):
    """Does what `behave` does."""

    def __init__(self, behave: Callable[[grpc.ServicerContext], object]) -> None:
        self._behave = behave

    def ScoreCase(  # noqa: N802 - the name in the proto
        self, request: scorer_pb2.ScoreCaseRequest, context: grpc.ServicerContext
    ) -> scorer_pb2.ScoreCaseResponse:
        self._behave(context)
        return scorer_pb2.ScoreCaseResponse(score=scorer_pb2.Score(case_id=request.case_id))


class Tiles(tiles_pb2_grpc.TileServiceServicer):
    """Sends chunks of `size` bytes and fails after `failing_after` of them."""

    def __init__(self, size: int = 10, failing_after: int | None = None) -> None:
        self._size, self._failing_after = size, failing_after
        self.closed = Event()

    def StreamTiles(  # noqa: N802 - the name in the proto
        self,
        request: tiles_pb2.StreamTilesRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - the generated signature
    ) -> Iterator[tiles_pb2.StreamTilesResponse]:
        try:
            for index in range(request.first_chunk, 1000):
                if index == self._failing_after:
                    raise PoisonMessageError("chunk 3 is garbled")
                yield tiles_pb2.StreamTilesResponse(chunk=tiles_pb2.TileChunk(index=index, pixels=[b"x" * self._size]))
        finally:
            self.closed.set()


@contextmanager
def _serving(register: Callable[[grpc.Server], None], **options: Any) -> Iterator[int]:
    server = GrpcServer("127.0.0.1:0", register, **{"grace_s": 2, **options})
    stop = Event()
    thread = Thread(target=server.run, args=(stop,))
    thread.start()
    try:
        yield server.port
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


@contextmanager
def _scorer(behave: Callable[[grpc.ServicerContext], object], **options: Any) -> Iterator[int]:
    def register(server: grpc.Server) -> None:
        scorer_pb2_grpc.add_ScorerServiceServicer_to_server(Scorer(behave), server)

    with _serving(register, **options) as port:
        yield port


@contextmanager
def _tiles(servicer: Tiles, **options: Any) -> Iterator[int]:
    with _serving(lambda server: tiles_pb2_grpc.add_TileServiceServicer_to_server(servicer, server), **options) as port:
        yield port


def _raising(error: Exception) -> Callable[[grpc.ServicerContext], object]:
    def behave(_: grpc.ServicerContext) -> object:
        raise error

    return behave


def _ask(port: int, case_id: str = "c1", **options: Any) -> scorer_pb2.Score:
    with channel(f"127.0.0.1:{port}", **options) as opened:
        try:
            return (
                scorer_pb2_grpc.ScorerServiceStub(opened).ScoreCase(scorer_pb2.ScoreCaseRequest(case_id=case_id)).score
            )
        except grpc.RpcError as error:
            raise_as_medulla(error)


def _counted(method: str, code: str) -> float:
    return REGISTRY.get_sample_value("medulla_rpcs_total", {"method": method, "code": code}) or 0.0


def test_an_answer_comes_back_and_is_counted() -> None:
    before = _counted(SCORE_CASE, "OK")
    with _scorer(lambda _: None) as port:
        assert _ask(port).case_id == "c1"
    assert _counted(SCORE_CASE, "OK") == before + 1


def test_a_refusal_keeps_sentence_reason_and_advice() -> None:
    with (
        _scorer(_raising(PoisonMessageError("Größe ist falsch"))) as port,
        pytest.raises(RefusedByServerError, match="Größe ist falsch") as caught,
    ):
        _ask(port)
    assert caught.value.reason == "poison_message"
    assert caught.value.advice == PoisonMessageError.advice


def test_an_errors_own_status_code_is_used() -> None:
    before = _counted(SCORE_CASE, "NOT_FOUND")
    with (
        _scorer(_raising(NothingStoredError("nothing is stored of case c1"))) as port,
        pytest.raises(RefusedByServerError) as caught,
    ):
        _ask(port)
    assert caught.value.advice == NothingStoredError.advice
    assert isinstance(caught.value.__cause__, grpc.Call)
    assert caught.value.__cause__.code() is grpc.StatusCode.NOT_FOUND
    assert _counted(SCORE_CASE, "NOT_FOUND") == before + 1


def test_a_dependency_that_is_down_stays_transient() -> None:
    with (
        _scorer(_raising(TransientError("the bucket does not answer"))) as port,
        pytest.raises(TransientError, match="UNAVAILABLE: the bucket does not answer"),
    ):
        _ask(port)


def test_a_bug_tells_the_caller_nothing_of_itself() -> None:
    before = _counted(SCORE_CASE, "INTERNAL")
    with _scorer(_raising(KeyError("/secret/path"))) as port, pytest.raises(TransientError, match="INTERNAL") as caught:
        _ask(port)
    assert "secret" not in str(caught.value)
    assert _counted(SCORE_CASE, "INTERNAL") == before + 1


def test_a_servicer_may_end_a_call_itself() -> None:
    def abort(context: grpc.ServicerContext) -> object:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no bundle is promoted")

    with _scorer(abort) as port, pytest.raises(RefusedByServerError, match="no bundle is promoted"):
        _ask(port)


def test_a_server_that_is_not_there_is_transient_within_the_deadline() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TransientError, match=r"UNAVAILABLE|DEADLINE_EXCEEDED"):
        _ask(port, deadline_s=2)


def test_a_call_without_a_timeout_of_its_own_still_ends() -> None:
    release = Event()
    with _scorer(lambda _: release.wait(20)) as port:
        with pytest.raises(TransientError, match="DEADLINE_EXCEEDED"):
            _ask(port, deadline_s=0.3)
        release.set()


def test_a_stream_that_fails_gives_first_what_it_had() -> None:
    received: list[int] = []
    with _tiles(Tiles(failing_after=3)) as port, channel(f"127.0.0.1:{port}") as opened:
        stream = tiles_pb2_grpc.TileServiceStub(opened).StreamTiles(tiles_pb2.StreamTilesRequest(first_chunk=1))
        with pytest.raises(grpc.RpcError) as caught:
            received.extend(answer.chunk.index for answer in stream)
    assert received == [1, 2]
    refusal = as_medulla(caught.value)
    assert isinstance(refusal, RefusedByServerError)
    assert refusal.reason == "poison_message"


def test_a_cancelled_stream_is_closed_on_the_server_and_counted() -> None:
    before, tiles = _counted(STREAM_TILES, "CANCELLED"), Tiles(size=100_000)
    with _tiles(tiles) as port:
        with channel(f"127.0.0.1:{port}") as opened:
            stream = tiles_pb2_grpc.TileServiceStub(opened).StreamTiles(tiles_pb2.StreamTilesRequest())
            assert next(stream).chunk.index == 0
            stream.cancel()
        assert tiles.closed.wait(10)
    assert _counted(STREAM_TILES, "CANCELLED") == before + 1


def test_a_message_over_the_bound_is_refused() -> None:
    with _tiles(Tiles(size=3_000_000)) as port, channel(f"127.0.0.1:{port}", max_message_mb=1) as opened:
        stream = tiles_pb2_grpc.TileServiceStub(opened).StreamTiles(tiles_pb2.StreamTilesRequest())
        with pytest.raises(grpc.RpcError) as caught:
            next(stream)
    assert isinstance(as_medulla(caught.value), TransientError)


def test_a_trace_goes_on_in_the_server() -> None:
    spans = recorded_spans()
    spans.clear()
    with _scorer(lambda _: None) as port, span("question"):
        _ask(port)
    by_name = {one.name: one for one in spans.finished()}
    asked, answered = by_name["question"], by_name["medulla.v1.ScorerService/ScoreCase"]
    assert answered.parent is not None
    assert answered.parent.span_id == asked.context.span_id


def test_a_span_of_a_refused_call_names_the_reason() -> None:
    spans = recorded_spans()
    spans.clear()
    with _scorer(_raising(NothingStoredError("x"))) as port, pytest.raises(RefusedByServerError):
        _ask(port)
    (answered,) = spans.finished()
    assert answered.attributes == {"medulla.reason": "bad_case_id"}


def test_health_is_open_and_says_serving() -> None:
    guard = require_role(OpenOnLoopback("127.0.0.1"), {"nobody"})
    with _scorer(lambda _: None, interceptors=[guard]) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as opened:
        health: Any = health_pb2_grpc.HealthStub(opened)  # the stubs know no methods of it
        answer = health.Check(health_pb2.HealthCheckRequest(), timeout=5)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_a_taken_address_is_one_sentence() -> None:
    with _scorer(lambda _: None) as port, pytest.raises(BusyAddressError, match=f"127.0.0.1:{port}"):
        GrpcServer(f"127.0.0.1:{port}", lambda _: None)


def test_open_calls_finish_while_the_server_drains() -> None:
    started, release = Event(), Event()

    def slow(_: grpc.ServicerContext) -> object:
        started.set()
        return release.wait(20)

    server = GrpcServer(
        "127.0.0.1:0", lambda one: scorer_pb2_grpc.add_ScorerServiceServicer_to_server(Scorer(slow), one), grace_s=10
    )
    stop, answers = Event(), []
    serving = Thread(target=server.run, args=(stop,))
    serving.start()
    asking = Thread(target=lambda: answers.append(_ask(server.port)))
    asking.start()
    assert started.wait(10)
    stop.set()
    release.set()
    asking.join(10)
    serving.join(10)
    assert [answer.case_id for answer in answers] == ["c1"]


def test_with_tls_only_those_who_trust_the_certificate_talk(tmp_path: Path) -> None:
    pair = self_signed(tmp_path)
    tls = ServerTls(certificate=pair.certificate, private_key=pair.private_key)
    with _scorer(lambda _: None, tls=tls) as port:
        assert _ask(port, tls=ClientTls(ca=pair.certificate)).case_id == "c1"
        with pytest.raises(TransientError):
            _ask(port, deadline_s=1)


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
        with _scorer(lambda _: None, interceptors=[require_role(verifying, {"viewer", "operator"})]) as port:
            yield port

    def test_a_good_token_is_let_in(self, issuer: OidcIssuer, port: int) -> None:
        assert _ask(port, token=issuer.token).case_id == "c1"

    @pytest.mark.parametrize("token", BAD)
    def test_a_bad_token_is_not(self, issuer: OidcIssuer, port: int, token: str) -> None:
        before = _counted(SCORE_CASE, "UNAUTHENTICATED")
        with pytest.raises(UnauthenticatedError, match=token):
            _ask(port, token=lambda: issuer.token(**BAD[token]))
        assert _counted(SCORE_CASE, "UNAUTHENTICATED") == before + 1

    def test_no_token_is_not_let_in(self, port: int) -> None:
        with pytest.raises(UnauthenticatedError, match="no bearer token"):
            _ask(port)

    def test_a_token_without_the_role_is_forbidden(self, issuer: OidcIssuer, port: int) -> None:
        with pytest.raises(ForbiddenError, match="operator or viewer"):
            _ask(port, token=lambda: issuer.token(roles=["gardener"]))

    def test_a_stream_is_guarded_too(self, issuer: OidcIssuer) -> None:
        guard = require_role(TokenVerifier(AuthSettings(issuer=issuer.url, timeout_s=2)), {"operator"})
        with _tiles(Tiles(), interceptors=[guard]) as port, channel(f"127.0.0.1:{port}", token=issuer.token) as opened:
            stream = tiles_pb2_grpc.TileServiceStub(opened).StreamTiles(tiles_pb2.StreamTilesRequest())
            with pytest.raises(grpc.RpcError) as caught:
                next(stream)
        assert isinstance(as_medulla(caught.value), ForbiddenError)

    def test_an_issuer_that_is_down_is_unavailable(self) -> None:
        with OidcIssuer() as issuer:
            token = issuer.token()
            issuer.down = True
            guard = require_role(TokenVerifier(AuthSettings(issuer=issuer.url, timeout_s=2)), {"viewer"})
            with _scorer(lambda _: None, interceptors=[guard]) as port, pytest.raises(TransientError, match="issuer"):
                _ask(port, token=lambda: token)
