"""Embedding with a real Triton: restarts, wrong models, deadlines, leftovers of killed processes."""

import re
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from multiprocessing.shared_memory import SharedMemory

import numpy as np
import pytest
from tritonclient.grpc import InferenceServerClient

from services.embedder.errors import UnknownEncoderError
from services.embedder.manifest import read_manifest
from services.embedder.ports import Tiles
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.embedder.triton_encoder import TritonEncoder
from shared.errors import TransientError
from tests.stack.triton import Triton
from tests.support.polling import wait_for

MANIFEST = read_manifest(DEFAULT_ENCODER)


def some_tiles(count: int) -> Tiles:
    return np.random.default_rng(count).integers(0, 256, (count, 256, 256, 3), np.uint8)


@pytest.fixture(params=["gRPC", "shared memory"])
def encoder(request: pytest.FixtureRequest, triton: Triton) -> Iterator[TritonEncoder]:
    with TritonEncoder(MANIFEST, triton.url, request.param == "shared memory", batch=4, timeout_s=20) as opened:
        opened.wait_until_ready(60)
        yield opened


@pytest.fixture
def client(triton: Triton) -> Iterator[InferenceServerClient]:
    with closing(InferenceServerClient(triton.url)) as opened:
        yield opened


def regions(client: InferenceServerClient) -> set[str]:
    return set(client.get_system_shared_memory_status(client_timeout=5).regions)


def test_a_server_that_was_killed_is_a_transient_error_and_is_used_again_when_it_is_back(
    triton: Triton, encoder: TritonEncoder
) -> None:
    tiles = some_tiles(5)
    before = encoder.embed(tiles)
    triton.kill()
    try:
        with pytest.raises(TransientError, match=re.escape(triton.url)):
            encoder.embed(tiles)
        with pytest.raises(TransientError):
            encoder.ready()
    finally:
        triton.start()
    encoder.wait_until_ready(60)
    assert np.array_equal(encoder.embed(tiles), before)


def test_a_server_restarted_unnoticed_is_told_of_the_memory_again(triton: Triton, encoder: TritonEncoder) -> None:
    tiles = some_tiles(5)
    before = encoder.embed(tiles)
    triton.kill()
    triton.start()
    assert np.array_equal(encoder.embed(tiles), before)


def test_a_server_without_the_encoder_is_refused_at_the_start(triton: Triton) -> None:
    other = MANIFEST.model_copy(update={"digest": "0" * 64})
    with (
        TritonEncoder(other, triton.url) as encoder,
        pytest.raises(UnknownEncoderError, match="has no encoder efficientnet_lite0-000000000000"),
    ):
        encoder.wait_until_ready(60)


def test_a_server_with_smaller_batches_is_refused_at_the_start(triton: Triton) -> None:
    with (
        TritonEncoder(MANIFEST, triton.url, batch=65) as encoder,
        pytest.raises(UnknownEncoderError, match="takes batches of 64 tiles, EMBEDDER_BATCH is 65"),
    ):
        encoder.wait_until_ready(60)


def test_an_answer_that_takes_too_long_is_a_transient_error(triton: Triton) -> None:
    impatient = TritonEncoder(MANIFEST, triton.url, batch=64, timeout_s=0.02)
    with impatient, pytest.raises(TransientError, match="Deadline"):
        impatient.embed(some_tiles(64))


def test_memory_into_which_a_late_answer_may_still_come_is_not_used_again(
    triton: Triton, client: InferenceServerClient
) -> None:
    before = regions(client)
    with TritonEncoder(MANIFEST, triton.url, shared_memory=True, batch=64, in_flight=1, timeout_s=0.1) as impatient:
        with pytest.raises(TransientError, match="Deadline"):
            impatient.embed(some_tiles(64))
        late = regions(client) - before
        assert wait_for(lambda: answers(impatient) and answers(impatient), 60)
        assert len(regions(client) - before) == 1
        assert not late & regions(client)
    assert regions(client) == before


def answers(encoder: TritonEncoder) -> bool:
    try:
        return encoder.embed(some_tiles(1)).shape == (1, 1280)
    except TransientError:
        return False


def test_a_server_that_never_gets_ready_is_a_transient_error() -> None:
    with TritonEncoder(MANIFEST, "127.0.0.1:1") as encoder, pytest.raises(TransientError, match="not ready after 0 s"):
        encoder.wait_until_ready(0)


def test_memory_is_given_back_in_the_end(triton: Triton, client: InferenceServerClient) -> None:
    before = regions(client)
    with TritonEncoder(MANIFEST, triton.url, shared_memory=True, in_flight=2) as encoder:
        assert encoder.shares_memory()
        encoder.embed(some_tiles(2))
        assert len(regions(client) - before) == 1
    assert regions(client) == before


def test_what_a_killed_process_shared_is_let_go_and_what_others_share_is_kept(
    triton: Triton, client: InferenceServerClient
) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait(10)
    host = socket.gethostname()
    ended_region, elsewhere, foreign = f"medulla/{host}/{ended.pid}/ab/0", "medulla/elsewhere/1/ab/0", "somebody-else"
    memories = {name: SharedMemory(create=True, size=4096) for name in (ended_region, elsewhere, foreign)}
    try:
        for name, memory in memories.items():
            client.register_system_shared_memory(name, f"/{memory.name}", 4096, client_timeout=5)
        with TritonEncoder(MANIFEST, triton.url) as encoder:
            encoder.wait_until_ready(60)
        assert regions(client) & {ended_region, elsewhere, foreign} == {elsewhere, foreign}
    finally:
        for name in (elsewhere, foreign):
            client.unregister_system_shared_memory(name, client_timeout=5)
        for memory in memories.values():
            memory.close()
            memory.unlink()


def test_requests_that_wait_together_share_a_batch(triton: Triton) -> None:
    before = runs(triton)
    with (
        TritonEncoder(MANIFEST, triton.url, batch=1, in_flight=24) as encoder,
        ThreadPoolExecutor(2) as callers,
    ):
        list(callers.map(encoder.embed, [some_tiles(24), some_tiles(24)]))
    assert runs(triton) - before < 24


def runs(triton: Triton) -> int:
    """How often the server ran the encoder."""
    with urllib.request.urlopen(triton.metrics_url, timeout=5) as answer:  # noqa: S310 - our own http URL
        match = re.search(r"^nv_inference_exec_count\{.*\} (\d+)", answer.read().decode(), re.MULTILINE)
    assert match is not None
    return int(match[1])
