"""An encoder that takes as long as a GPU's would and no core: decoding and encoding do not share what they need."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from threading import Lock
from time import monotonic, sleep

import numpy as np

from services.embedder.batcher import Batching
from services.embedder.manifest import EncoderManifest, read_manifest
from services.embedder.ports import Features, Tiles
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.standalone.pipeline import Pipeline, pipeline_around
from services.standalone.pipeline_options import Options
from services.standalone.workspace import Workspace
from tests.bench import material
from tests.bench.pipeline import Planned, Runs, file_of, forget
from tests.bench.size import Size
from tests.bench.table import Row, Section
from tests.bench.timing import measured, rates

EMBEDDING = "pipeline, plan to bag"
_BATCH = 64
_OF_DECODING = 0.5
"""Tiles a second, as a share of what decoding alone does: foundation models are slower than two cores of decoding."""


class FixedRateEncoder:
    """Zeros, at so many tiles a second whoever asks: a device works through its queue, each batch after the one before.

    As a GPU behind a server's queue does, it starts a batch that waits there without any thread of Python.
    """

    def __init__(self, tiles_per_second: float) -> None:
        self.manifest: EncoderManifest = read_manifest(DEFAULT_ENCODER)
        self.rate = tiles_per_second
        self._queue = Lock()
        self._free_at = 0.0

    def embed(self, tiles: Tiles) -> Features:
        """Features of zeros, once the device is done with the tiles."""
        with self._queue:
            self._free_at = max(self._free_at, monotonic()) + len(tiles) / self.rate
            done_at = self._free_at
        sleep(max(0.0, done_at - monotonic()))
        return np.zeros((len(tiles), self.manifest.dim), np.float32)


def compare(size: Size, folder: Path) -> Section:
    """Decode alone, encode alone, and the pipeline, in turn."""
    slide = material.aperio(folder / "fixed-rate.svs", size.pipeline_copies)
    with _pipeline(FixedRateEncoder(1e6), folder / "plan") as pipeline:
        planned = Planned.by(pipeline, slide)
        count = len(planned.origins)
        decoding = median(rates([measured(planned.decoded) for _ in range(2)], count))
    encoder = FixedRateEncoder(_OF_DECODING * decoding)
    runs = Runs()
    with _pipeline(encoder, folder / "workspace") as pipeline:
        for _ in range(size.encoder_repeats):
            runs.decode.append(measured(planned.decoded))
            runs.encode.append(measured(lambda: encoder.embed(np.empty((count, 1, 1, 3), np.uint8))))
            forget(pipeline.workspace)
            runs.plan.append(measured(lambda: pipeline.plan(file_of(slide))))
            runs.embed.append(measured(lambda: pipeline.embed_slide(planned.event)))
    slower = f"the slower one: {runs.slower}", rates(runs.alone[runs.slower], count)
    rows = [
        *(Row(what, "tiles/s", rates(done, count)) for what, done in runs.alone.items()),
        Row(EMBEDDING, "tiles/s", rates(runs.embed, count), *slower),
        Row("pipeline, slide file to bag", "tiles/s", rates(runs.whole, count), *slower),
    ]
    title = f"Pipeline beside an encoder that takes no core: {count} tiles, {encoder.rate:.0f} tiles/s"
    return Section(title, rows, [f"planning takes {median(run.seconds for run in runs.plan):.2f} s of it"])


@contextmanager
def _pipeline(encoder: FixedRateEncoder, root: Path) -> Iterator[Pipeline]:
    batching = Batching(_BATCH, in_flight=2)
    with pipeline_around(encoder, batching, Workspace(root), Options(), lambda _: None) as pipeline:
        yield pipeline
