"""gRPC clients: renewed certificates and authorities are used by the next call, and calls in flight go on."""

from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from medulla.v1 import scorer_pb2, scorer_pb2_grpc, tiles_pb2, tiles_pb2_grpc

from shared.errors import MedullaError
from shared.rpc.client import channel
from shared.rpc.client_tls import ClientTls, RenewedChannel
from shared.rpc.server_tls import ServerTls
from tests.support.certificates import Pair, self_signed
from tests.support.rpc import Tiles, serving_scorer, serving_tiles


@pytest.fixture
def pairs(tmp_path: Path) -> tuple[Pair, Pair]:
    """Two certificates, each its own authority."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    return self_signed(tmp_path / "first", "first"), self_signed(tmp_path / "second", "second")


@pytest.fixture
def mounted(tmp_path: Path, pairs: tuple[Pair, Pair]) -> ClientTls:
    """Files of a client, which hold the first certificate."""
    tls = ClientTls(ca=tmp_path / "ca.crt", certificate=tmp_path / "tls.crt", private_key=tmp_path / "tls.key")
    mount(tls, pairs[0])
    return tls


def mount(tls: ClientTls, pair: Pair) -> None:
    assert tls.ca
    assert tls.certificate
    assert tls.private_key
    tls.ca.write_bytes(pair.certificate.read_bytes())
    tls.certificate.write_bytes(pair.certificate.read_bytes())
    tls.private_key.write_bytes(pair.private_key.read_bytes())


def served(pair: Pair, *clients: Pair) -> ServerTls:
    """A server with this certificate, which asks its clients for one of theirs."""
    client_ca = pair.certificate.with_name("clients.crt")
    client_ca.write_bytes(b"".join(each.certificate.read_bytes() for each in clients))
    return ServerTls(certificate=pair.certificate, private_key=pair.private_key, client_ca=client_ca)


def test_the_next_call_shows_the_renewed_certificate_once_its_key_is_there_too(
    mounted: ClientTls, pairs: tuple[Pair, Pair]
) -> None:
    first, second = pairs
    shown: list[bytes] = []

    def remember(context: grpc.ServicerContext) -> None:
        shown.extend(list[bytes](context.auth_context()["x509_pem_cert"]))  # type: ignore[arg-type]  # the stubs know one

    assert mounted.certificate
    with (
        serving_scorer(remember, tls=served(first, first, second)) as port,
        channel(f"127.0.0.1:{port}", tls=mounted, renew_s=0) as opened,
    ):
        ask = scorer_pb2_grpc.ScorerServiceStub(opened).ScoreCase
        ask(scorer_pb2.ScoreCaseRequest())
        mounted.certificate.write_bytes(second.certificate.read_bytes())
        ask(scorer_pb2.ScoreCaseRequest())
        mount(mounted, second)
        assert mounted.ca
        mounted.ca.write_bytes(first.certificate.read_bytes())
        ask(scorer_pb2.ScoreCaseRequest())
    assert shown == [pair.certificate.read_bytes() for pair in (first, first, second)]


def test_the_next_call_trusts_the_renewed_authority_and_a_stream_in_flight_goes_on(
    mounted: ClientTls, pairs: tuple[Pair, Pair], tmp_path: Path
) -> None:
    first, second = pairs
    of_server = Pair(tmp_path / "server.crt", tmp_path / "server.key")
    of_server.certificate.write_bytes(first.certificate.read_bytes())
    of_server.private_key.write_bytes(first.private_key.read_bytes())
    with (
        serving_tiles(Tiles(size=100_000), tls=served(of_server, first, second)) as port,
        channel(f"127.0.0.1:{port}", tls=mounted, renew_s=0) as opened,
    ):
        stream = tiles_pb2_grpc.TileServiceStub(opened).StreamTiles
        in_flight = stream(tiles_pb2.StreamTilesRequest())
        assert next(in_flight).chunk.index == 0
        of_server.certificate.write_bytes(second.certificate.read_bytes())
        of_server.private_key.write_bytes(second.private_key.read_bytes())
        mount(mounted, second)
        later = stream(tiles_pb2.StreamTilesRequest(first_chunk=7))
        assert next(later).chunk.index == 7
        assert [response.chunk.index for response in in_flight] == list(range(1, 1000))
        later.cancel()


def test_closing_ends_streams_on_channels_of_older_files_too(mounted: ClientTls, pairs: tuple[Pair, Pair]) -> None:
    tiles = Tiles(size=100_000)
    with serving_tiles(tiles, tls=served(pairs[0], *pairs)) as port:
        opened = channel(f"127.0.0.1:{port}", tls=mounted, renew_s=0)
        stream = tiles_pb2_grpc.TileServiceStub(opened).StreamTiles
        in_flight = stream(tiles_pb2.StreamTilesRequest())
        next(in_flight)
        assert mounted.ca
        mounted.ca.write_bytes(b"".join(pair.certificate.read_bytes() for pair in pairs))
        later = stream(tiles_pb2.StreamTilesRequest())
        next(later)
        opened.close()
        for each in (in_flight, later):
            with pytest.raises(grpc.RpcError):
                list(each)
        assert tiles.closed.wait(10)


class Opened:
    """Stands for a channel of gRPC."""

    def __init__(self, _: grpc.ChannelCredentials) -> None:
        self.is_closed = False

    def unary_unary(self, _: str) -> "Opened":
        return self

    def close(self) -> None:
        self.is_closed = True


def test_a_channel_of_older_files_is_closed_when_its_calls_have_reached_their_deadlines(
    mounted: ClientTls, pairs: tuple[Pair, Pair]
) -> None:
    now, opened = [0.0], cast("Any", Opened)
    renewed: Any = RenewedChannel(mounted, opened, longest_s=30, renew_s=0, clock=lambda: now[0])
    first = renewed.unary_unary("/ask")
    mount(mounted, pairs[1])
    second = renewed.unary_unary("/ask")
    assert (first is second, first.is_closed) == (False, False)
    now[0] = 30
    assert renewed.unary_unary("/ask") is second
    assert (first.is_closed, second.is_closed) == (True, False)


def test_a_channel_stays_open_while_none_can_be_opened_with_newer_files(
    mounted: ClientTls, pairs: tuple[Pair, Pair]
) -> None:
    now, is_failing = [0.0], [False]

    def opened(credentials: grpc.ChannelCredentials) -> Opened:
        if is_failing[0]:
            raise RuntimeError("no channel")
        return Opened(credentials)

    renewed: Any = RenewedChannel(mounted, cast("Any", opened), longest_s=30, renew_s=0, clock=lambda: now[0])
    first = renewed.unary_unary("/ask")
    is_failing[0] = True
    mount(mounted, pairs[1])
    with pytest.raises(RuntimeError, match="no channel"):
        renewed.unary_unary("/ask")
    mount(mounted, pairs[0])
    now[0] = 30
    assert renewed.unary_unary("/ask") is first
    assert not first.is_closed


def test_a_certificate_without_its_key_is_refused(mounted: ClientTls, pairs: tuple[Pair, Pair]) -> None:
    for tls in (
        ClientTls(certificate=mounted.certificate),
        mounted.model_copy(update={"private_key": pairs[1].private_key}),
        mounted.model_copy(update={"ca": mounted.private_key}),
    ):
        with pytest.raises(MedullaError, match=r"give both files|is not the key of|holds no PEM certificate"):
            channel("127.0.0.1:1", tls=tls)
