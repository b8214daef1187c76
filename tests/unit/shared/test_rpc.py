"""gRPC: errors keep their meaning from one service to the next, nothing waits for ever."""

import socket
from pathlib import Path
from threading import Event, Thread
from typing import Any, ClassVar

import grpc
import pytest
from cryptography.x509 import load_pem_x509_certificate
from grpc_health.v1 import health_pb2, health_pb2_grpc
from medulla.v1 import scorer_pb2_grpc, tiles_pb2, tiles_pb2_grpc
from prometheus_client import REGISTRY

from shared.errors import (
    CrashedWorkerError,
    GivenUpError,
    InternalError,
    MedullaError,
    PermanentError,
    PoisonMessageError,
    TransientError,
)
from shared.health import BusyAddressError
from shared.rpc.auth import OpenOnLoopback, require_role
from shared.rpc.client import RefusedByServerError, as_medulla, channel
from shared.rpc.client_tls import ClientTls
from shared.rpc.server import GrpcServer
from shared.rpc.server_tls import ServerTls
from shared.tracing import span
from tests.support.certificates import self_signed
from tests.support.logs import logging_as
from tests.support.rpc import (
    SCORE_CASE,
    STREAM_TILES,
    Scorer,
    Tiles,
    ask,
    counted,
    raising,
    serving_scorer,
    serving_tiles,
)
from tests.support.spans import recorded_spans


class NothingStoredError(PermanentError):
    reason = "bad_case_id"
    advice = "Land a slide of the case first; 1 µm pixels will do."
    grpc_code: ClassVar[grpc.StatusCode] = grpc.StatusCode.NOT_FOUND


def test_an_answer_comes_back_and_is_counted() -> None:
    before = counted(SCORE_CASE, "OK")
    with serving_scorer(lambda _: None) as port:
        assert ask(port).case_id == "c1"
    assert counted(SCORE_CASE, "OK") == before + 1


def test_a_refusal_keeps_sentence_reason_and_advice() -> None:
    with (
        serving_scorer(raising(PoisonMessageError("Größe ist falsch"))) as port,
        pytest.raises(RefusedByServerError, match="Größe ist falsch") as caught,
    ):
        ask(port)
    assert caught.value.reason == "poison_message"
    assert caught.value.advice == PoisonMessageError.advice


def test_an_errors_own_status_code_is_used() -> None:
    before = counted(SCORE_CASE, "NOT_FOUND")
    with (
        serving_scorer(raising(NothingStoredError("nothing is stored of case c1"))) as port,
        pytest.raises(RefusedByServerError) as caught,
    ):
        ask(port)
    assert caught.value.advice == NothingStoredError.advice
    assert isinstance(caught.value.__cause__, grpc.Call)
    assert caught.value.__cause__.code() is grpc.StatusCode.NOT_FOUND
    assert counted(SCORE_CASE, "NOT_FOUND") == before + 1


@pytest.mark.parametrize("error", [InternalError("the decoder failed", "a1"), CrashedWorkerError("the decoder died")])
def test_work_without_an_answer_stays_what_it_is(error: GivenUpError) -> None:
    with serving_scorer(raising(error)) as port, pytest.raises(type(error), match=str(error)) as caught:
        ask(port)
    assert vars(caught.value) == vars(error)
    assert isinstance(caught.value.__cause__, grpc.Call)
    assert caught.value.__cause__.code() is grpc.StatusCode.INTERNAL


def test_a_sentence_of_any_length_fits_the_trailer() -> None:
    sentence = "ä🙂" * 50_000
    with serving_scorer(raising(PoisonMessageError(sentence))) as port, pytest.raises(RefusedByServerError) as caught:
        ask(port)
    assert sentence.startswith(str(caught.value).removesuffix("…"))


def test_a_dependency_that_is_down_stays_transient() -> None:
    with (
        serving_scorer(raising(TransientError("the bucket does not answer"))) as port,
        pytest.raises(TransientError, match="UNAVAILABLE: the bucket does not answer"),
    ):
        ask(port)


def test_a_bug_tells_the_caller_nothing_of_itself() -> None:
    before = counted(SCORE_CASE, "INTERNAL")
    with (
        serving_scorer(raising(KeyError("/secret/path"))) as port,
        logging_as("scorer", "INFO") as logged,
        pytest.raises(InternalError) as caught,
    ):
        ask(port)
    (line,) = logged.lines("internal error")
    assert caught.value.incident == line["incident"]
    assert line["incident"] in str(caught.value)
    assert "secret" not in str(caught.value) + logged.text()
    assert counted(SCORE_CASE, "INTERNAL") == before + 1


def test_a_servicer_may_end_a_call_itself() -> None:
    def abort(context: grpc.ServicerContext) -> object:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no bundle is promoted")

    with serving_scorer(abort) as port, pytest.raises(RefusedByServerError, match="no bundle is promoted"):
        ask(port)


def test_a_server_that_is_not_there_is_transient_within_the_deadline() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TransientError, match=r"UNAVAILABLE|DEADLINE_EXCEEDED"):
        ask(port, deadline_s=2)


def test_a_call_without_a_timeout_of_its_own_still_ends() -> None:
    release = Event()
    with serving_scorer(lambda _: release.wait(20)) as port:
        with pytest.raises(TransientError, match="DEADLINE_EXCEEDED"):
            ask(port, deadline_s=0.3)
        release.set()


def test_a_stream_that_fails_gives_first_what_it_had() -> None:
    received: list[int] = []
    with serving_tiles(Tiles(failing_after=3)) as port, channel(f"127.0.0.1:{port}") as opened:
        stream = tiles_pb2_grpc.TileServiceStub(opened).StreamTiles(tiles_pb2.StreamTilesRequest(first_chunk=1))
        with pytest.raises(grpc.RpcError) as caught:
            received.extend(answer.chunk.index for answer in stream)
    assert received == [1, 2]
    refusal = as_medulla(caught.value)
    assert isinstance(refusal, RefusedByServerError)
    assert refusal.reason == "poison_message"


def test_a_cancelled_stream_is_closed_on_the_server_and_counted() -> None:
    before, tiles = counted(STREAM_TILES, "CANCELLED"), Tiles(size=100_000)
    with serving_tiles(tiles) as port:
        with channel(f"127.0.0.1:{port}") as opened:
            stream = tiles_pb2_grpc.TileServiceStub(opened).StreamTiles(tiles_pb2.StreamTilesRequest())
            assert next(stream).chunk.index == 0
            stream.cancel()
        assert tiles.closed.wait(10)
    assert counted(STREAM_TILES, "CANCELLED") == before + 1


def test_a_message_over_the_bound_is_refused() -> None:
    with serving_tiles(Tiles(size=3_000_000)) as port, channel(f"127.0.0.1:{port}", max_message_mb=1) as opened:
        stream = tiles_pb2_grpc.TileServiceStub(opened).StreamTiles(tiles_pb2.StreamTilesRequest())
        with pytest.raises(grpc.RpcError) as caught:
            next(stream)
    assert isinstance(as_medulla(caught.value), TransientError)


def test_a_trace_goes_on_in_the_server() -> None:
    spans = recorded_spans()
    spans.clear()
    with serving_scorer(lambda _: None) as port, span("question"):
        ask(port)
    by_name = {each.name: each for each in spans.finished()}
    client, server = by_name["question"], by_name["medulla.v1.ScorerService/ScoreCase"]
    assert server.parent is not None
    assert server.parent.span_id == client.context.span_id


def test_a_span_of_a_refused_call_names_the_reason() -> None:
    spans = recorded_spans()
    spans.clear()
    with serving_scorer(raising(NothingStoredError("x"))) as port, pytest.raises(RefusedByServerError):
        ask(port)
    (answered,) = spans.finished()
    assert answered.attributes == {"medulla.reason": "bad_case_id"}


def test_health_is_open_and_says_serving() -> None:
    guard = require_role(OpenOnLoopback("127.0.0.1"), {"nobody"})
    with (
        serving_scorer(lambda _: None, interceptors=[guard]) as port,
        grpc.insecure_channel(f"127.0.0.1:{port}") as opened,
    ):
        health: Any = health_pb2_grpc.HealthStub(opened)  # the stubs know no methods of it
        answer = health.Check(health_pb2.HealthCheckRequest(), timeout=5)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_a_taken_address_is_one_sentence() -> None:
    with serving_scorer(lambda _: None) as port, pytest.raises(BusyAddressError, match=f"127.0.0.1:{port}"):
        GrpcServer(f"127.0.0.1:{port}", lambda _: None)


def test_open_calls_finish_while_the_server_drains() -> None:
    started, release = Event(), Event()

    def slow(_: grpc.ServicerContext) -> object:
        started.set()
        return release.wait(20)

    server = GrpcServer(
        "127.0.0.1:0",
        lambda target: scorer_pb2_grpc.add_ScorerServiceServicer_to_server(Scorer(slow), target),
        grace_s=10,
    )
    stop, answers = Event(), []
    serving = Thread(target=server.run, args=(stop,))
    serving.start()
    asking = Thread(target=lambda: answers.append(ask(server.port)))
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
    with serving_scorer(lambda _: None, tls=tls) as port:
        assert ask(port, tls=ClientTls(ca=pair.certificate)).case_id == "c1"
        with pytest.raises(TransientError):
            ask(port, deadline_s=1)
    ends = REGISTRY.get_sample_value("medulla_certificate_expiry_timestamp_seconds", {"address": "127.0.0.1:0"})
    assert ends == load_pem_x509_certificate(pair.certificate.read_bytes()).not_valid_after_utc.timestamp()


def test_a_renewed_certificate_is_served_to_the_next_client_once_its_key_is_there_too(tmp_path: Path) -> None:
    first, second = (self_signed(_folder(tmp_path / name)) for name in ("first", "second"))
    mounted = ServerTls(certificate=tmp_path / "tls.crt", private_key=tmp_path / "tls.key")
    mounted.certificate.write_bytes(first.certificate.read_bytes())
    mounted.private_key.write_bytes(first.private_key.read_bytes())
    with serving_scorer(lambda _: None, tls=mounted) as port:
        mounted.certificate.write_bytes(second.certificate.read_bytes())
        assert ask(port, tls=ClientTls(ca=first.certificate)).case_id == "c1"
        mounted.private_key.write_bytes(second.private_key.read_bytes())
        assert ask(port, tls=ClientTls(ca=second.certificate)).case_id == "c1"
        with pytest.raises(TransientError):
            ask(port, tls=ClientTls(ca=first.certificate), deadline_s=1)


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    pair = self_signed(tmp_path)
    tls = ServerTls(certificate=pair.private_key, private_key=pair.private_key)
    with pytest.raises(MedullaError, match=r"tls\.key holds no PEM certificate"):
        GrpcServer("127.0.0.1:0", lambda _: None, tls=tls)
