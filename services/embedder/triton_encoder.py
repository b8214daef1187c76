"""The encoder on a Triton server: shared memory if both run on one machine, plain gRPC otherwise."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import Self

import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from services.embedder.errors import UnknownEncoderError
from services.embedder.manifest import EncoderManifest
from services.embedder.ports import Features, Tiles, check_tiles
from services.embedder.triton_memory import SharedRegion, drop_leftovers
from services.embedder.triton_repository import model_name
from shared.errors import MedullaError, TransientError

_AT_FAULT = ("StatusCode.INVALID_ARGUMENT", "StatusCode.UNIMPLEMENTED")
"""Without NOT_FOUND: an encoder that was loaded at the start and is not now is being reloaded."""
_NO_ANSWER = ("StatusCode.UNAVAILABLE", "StatusCode.DEADLINE_EXCEEDED")
_LOST_REGION = "Unable to find shared memory region"
"""The server's message about a region that it knew before its restart."""

_LOOK_AGAIN_S = 0.5
READY_S = 2.0
"""Deadline of the readiness request."""
_RELEASE_S = 2.0
"""How long the end waits for the server to let memory go, which it may do a moment after its answer."""


class TritonEncoder:
    """Requests of at most `batch` tiles, at most `in_flight` at once, each with the deadline `timeout_s`."""

    def __init__(
        self,
        manifest: EncoderManifest,
        url: str,
        shared_memory: bool = False,
        *,
        batch: int = 64,
        in_flight: int = 4,
        timeout_s: float = 30.0,
    ) -> None:
        self.manifest = manifest
        self._model = model_name(manifest)
        self._tiles, self._features = map(manifest.serving.tensor, (manifest.input, manifest.output))
        self._url = url
        self._batch = batch
        self._timeout_s = timeout_s
        self._client = InferenceServerClient(url)
        self._pool = ThreadPoolExecutor(in_flight, thread_name_prefix="triton")
        self._regions: SimpleQueue[SharedRegion | None] = SimpleQueue()
        for _ in range(in_flight):
            self._regions.put(SharedRegion(self._client, manifest, batch) if shared_memory else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        until = time.monotonic() + _RELEASE_S
        while not self._regions.empty():
            if (region := self._regions.get()) is not None:
                region.release(until)
        self._client.close()

    def wait_until_ready(self, seconds: float) -> None:
        """Wait for a starting server to load its models; unregister the memory of killed processes.

        Raises:
            UnknownEncoderError: it is ready, but lacks the encoder or has one for smaller batches.
            TransientError: it is not ready in time.
        """
        end = time.monotonic() + seconds
        while not self._server_ready():
            if time.monotonic() > end:
                raise TransientError(f"Triton at {self._url} is not ready after {seconds:g} s")
            time.sleep(_LOOK_AGAIN_S)
        if not self.ready():
            raise UnknownEncoderError(f"Triton at {self._url} has no encoder {self._model}")
        self._check_batch()
        with suppress(InferenceServerException):
            drop_leftovers(self._client)

    def _check_batch(self) -> None:
        try:
            config = self._client.get_model_config(self._model, client_timeout=self._timeout_s).config
        except InferenceServerException as error:
            raise self._translated(error) from error
        if self._batch > config.max_batch_size:
            raise UnknownEncoderError(
                f"Triton at {self._url} takes batches of {config.max_batch_size} tiles, EMBEDDER_BATCH is {self._batch}"
            )

    def _server_ready(self) -> bool:
        with suppress(InferenceServerException):
            return bool(self._client.is_server_ready(client_timeout=READY_S))
        return False

    def shares_memory(self) -> bool:
        """Whether the server can open this machine's shared memory; it must answer.

        Raises:
            TransientError: it does not answer.
        """
        region = SharedRegion(self._client, self.manifest, 1)
        try:
            region.open()
        except InferenceServerException as error:
            if error.status() in _NO_ANSWER:
                raise self._translated(error) from error
            return False
        region.drop()
        return True

    def embed(self, tiles: Tiles) -> Features:
        """Embed tiles [n, px, px, 3], in order, in as many requests as they need."""
        check_tiles(tiles, self.manifest)
        batches = [tiles[start : start + self._batch] for start in range(0, len(tiles), self._batch)]
        answers = list(self._pool.map(self._infer, batches))
        return np.concatenate(answers) if answers else np.empty((0, self.manifest.dim), np.float32)

    def ready(self) -> bool:
        """Whether the server answers and has the encoder loaded.

        Raises:
            TransientError: it does not answer.
        """
        try:
            return bool(self._client.is_model_ready(self._model, client_timeout=READY_S))
        except InferenceServerException as error:
            raise self._translated(error) from error

    def _infer(self, tiles: Tiles) -> Features:
        region = self._regions.get()
        try:
            return self._ask_restarted(tiles, region)
        except InferenceServerException as error:
            if region is not None:
                region.drop()
            raise self._translated(error) from error
        finally:
            self._regions.put(region)

    def _ask_restarted(self, tiles: Tiles, region: SharedRegion | None) -> Features:
        """Send a request; after a restart of the server, register a new region."""
        try:
            return self._ask(tiles, region)
        except InferenceServerException as error:
            if region is None or _LOST_REGION not in error.message():
                raise
            region.drop()
            return self._ask(tiles, region)

    def _ask(self, tiles: Tiles, region: SharedRegion | None) -> Features:
        request = InferInput(self._tiles, tiles.shape, "UINT8")
        answer = InferRequestedOutput(self._features)
        if region is None:
            request.set_data_from_numpy(tiles)
        else:
            region.put(tiles, request, answer)
        result = self._client.infer(self._model, [request], outputs=[answer], client_timeout=self._timeout_s)
        features: Features = result.as_numpy(self._features) if region is None else region.features(len(tiles))
        return features

    def _translated(self, error: InferenceServerException) -> MedullaError:
        sentence = f"Triton at {self._url}, encoder {self._model}: {error.message()}"
        return UnknownEncoderError(sentence) if error.status() in _AT_FAULT else TransientError(sentence)
