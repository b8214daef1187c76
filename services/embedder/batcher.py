"""Fills batches across slides, so that the encoder is not idle between slides."""

import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Self

import numpy as np

from services.embedder.errors import EncoderStoppedError
from services.embedder.manifest import EncoderManifest
from services.embedder.ports import Encoder, Features, Tiles
from shared import metrics

_END_S = 10.0
"""How long the encoder may take to finish what is queued when its batcher is left."""


@dataclass(frozen=True, slots=True)
class Batching:
    """How batches are filled: at most `size` tiles each, `in_flight` of them at once."""

    size: int
    in_flight: int = 1
    max_wait_s: float = 0.02
    """How long a partial batch waits for tiles of other slides; not at all while the encoder has nothing to do."""
    device: str = "cpu"
    """Label of the metrics: cpu, gpu or triton."""


@dataclass(eq=False)
class _Job:
    """One caller's tiles, answered when the last of them is embedded, or the first has failed.

    It does not hold the answer: an error's traceback holds the frames that hold the job, and so the tiles.
    """

    tiles: Tiles
    features: Features
    since: float = field(default_factory=time.monotonic)
    taken: int = 0
    remaining: int = field(init=False)

    def __post_init__(self) -> None:
        self.remaining = len(self.tiles)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Tiles [start, stop) of a job."""

    job: _Job
    start: int
    stop: int

    @property
    def tiles(self) -> Tiles:
        return self.job.tiles[self.start : self.stop]


class Batcher:
    """An encoder shared by many threads, whose tiles are joined to batches for `encoder`."""

    def __init__(self, encoder: Encoder, batching: Batching) -> None:
        self._encoder = encoder
        self._batching = batching
        self._jobs: deque[_Job] = deque()
        self._unanswered: dict[_Job, Future[Features]] = {}
        self._at_work = 0
        """Batches in flight."""
        self._changed = Condition()
        self._closed = False
        self._runners = [Thread(target=self._run, name=f"batch-{i}", daemon=True) for i in range(batching.in_flight)]

    def __enter__(self) -> Self:
        for runner in self._runners:
            runner.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        until = time.monotonic() + _END_S
        for runner in self._runners:
            runner.join(max(0.0, until - time.monotonic()))
        self.abandon()

    def abandon(self) -> None:
        """Fail at once whatever is not embedded yet, and all that is asked for later."""
        with self._changed:
            self._closed = True
            self._jobs.clear()
            for job in list(self._unanswered):
                self._answer(job, EncoderStoppedError("the encoder stopped before the tiles were embedded"))
            self._changed.notify_all()

    @property
    def manifest(self) -> EncoderManifest:
        """The encoder's manifest."""
        return self._encoder.manifest

    @property
    def waiting(self) -> int:
        """Tiles that are in no batch yet."""
        with self._changed:
            return self._queued()

    def embed(self, tiles: Tiles) -> Features:
        """Embed tiles [n, px, px, 3], in order; waits until all of them are done.

        Raises what the encoder raises for any batch that held some of them; EncoderStoppedError when it is closed.
        """
        features = np.empty((len(tiles), self.manifest.dim), np.float32)
        if len(tiles) == 0:
            return features
        return self._enqueue(_Job(tiles, features)).result()

    def _enqueue(self, job: _Job) -> Future[Features]:
        with self._changed:
            if self._closed:
                raise EncoderStoppedError("the encoder has stopped")
            self._jobs.append(job)
            answer = self._unanswered[job] = Future()
            self._changed.notify_all()
        return answer

    def _run(self) -> None:
        while pieces := self._take():
            try:
                self._give(pieces, self._embed(pieces))
            except BaseException as error:  # noqa: BLE001 - the callers that wait for these tiles raise it
                self._fail(pieces, error)
            self._rest()
            del pieces  # while it waits for others, they would hold a slide's tiles

    def _embed(self, pieces: list[_Piece]) -> Features:
        tiles = np.concatenate([piece.tiles for piece in pieces]) if len(pieces) > 1 else pieces[0].tiles
        metrics.EMBED_BATCH_TILES.labels(self._batching.device).observe(len(tiles))
        with metrics.EMBED_SECONDS.labels(self._batching.device).time():
            return self._encoder.embed(tiles)

    def _take(self) -> list[_Piece]:
        """Wait for a batch that is full or has waited long enough; empty when closed and nothing is left."""
        with self._changed:
            while not self._due():
                self._changed.wait(self._patience())
            pieces = self._cut()
            self._at_work += bool(pieces)
            return pieces

    def _rest(self) -> None:
        with self._changed:
            self._at_work -= 1
            self._changed.notify_all()

    def _due(self) -> bool:
        if not self._jobs:
            return self._closed
        return self._closed or not self._at_work or self._queued() >= self._batching.size or self._patience() == 0

    def _queued(self) -> int:
        return sum(len(job.tiles) - job.taken for job in self._jobs)

    def _patience(self) -> float | None:
        """Seconds until the oldest job has waited long enough; None where there is none."""
        if not self._jobs:
            return None
        return max(0.0, self._jobs[0].since + self._batching.max_wait_s - time.monotonic())

    def _cut(self) -> list[_Piece]:
        """Take at most one batch off the front of the queue."""
        pieces: list[_Piece] = []
        room = self._batching.size
        while room and self._jobs:
            job = self._jobs[0]
            piece = _Piece(job, job.taken, min(len(job.tiles), job.taken + room))
            job.taken = piece.stop
            room -= piece.stop - piece.start
            pieces.append(piece)
            if job.taken == len(job.tiles):
                self._jobs.popleft()
        return pieces

    def _give(self, pieces: list[_Piece], features: Features) -> None:
        start = 0
        for piece in pieces:
            count = piece.stop - piece.start
            piece.job.features[piece.start : piece.stop] = features[start : start + count]
            start += count
            self._finish(piece.job, count)

    def _finish(self, job: _Job, count: int) -> None:
        with self._changed:
            job.remaining -= count
            if job.remaining == 0:
                self._answer(job)

    def _fail(self, pieces: list[_Piece], error: BaseException) -> None:
        """Fail the jobs of a batch; their other queued tiles are dropped."""
        with self._changed:
            for job in {piece.job for piece in pieces}:
                if job in self._jobs:
                    self._jobs.remove(job)
                self._answer(job, error)

    def _answer(self, job: _Job, error: BaseException | None = None) -> None:
        """Give a job's caller its features, or an error, unless it has its answer; to be called under the lock."""
        answer = self._unanswered.pop(job, None)
        if answer is None:
            return
        if error is None:
            answer.set_result(job.features)
        else:
            answer.set_exception(error)
