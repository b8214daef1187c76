"""Triton, through shared memory and through plain gRPC, compared with the encoder in this process."""

from pathlib import Path

import numpy as np

from services.embedder.manifest import read_manifest
from services.embedder.onnx_encoder import OnnxEncoder
from services.embedder.ports import Encoder, Tiles
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.embedder.triton_encoder import TritonEncoder
from services.tiler.readers import open_slide
from tests.bench import material
from tests.bench.readers import Positions
from tests.bench.size import Size
from tests.bench.table import Row, Section
from tests.bench.timing import Work, interleaved, rates
from tests.stack.triton import Triton

TOLERANCE = 1e-4
_BATCH = 64
_IN_FLIGHT = 4
_READY_S = 60
_ALONE = "ONNX Runtime in process"
SHARED = "Triton, shared memory"
_WAYS = {"shared memory": True, "plain gRPC": False}


class FeaturesDifferError(Exception):
    """Encoders that are to be compared do not give the same numbers."""


def compare(server: Triton, size: Size, folder: Path) -> Section:
    """Embed the same tiles both ways, and here.

    Raises:
        FeaturesDifferError: Triton gives other numbers.
    """
    tiles = _tiles(folder, size)
    manifest = read_manifest(DEFAULT_ENCODER)
    with (
        TritonEncoder(manifest, server.url, True, batch=_BATCH, in_flight=_IN_FLIGHT) as shared,
        TritonEncoder(manifest, server.url, False, batch=_BATCH, in_flight=_IN_FLIGHT) as plain,
    ):
        plain.wait_until_ready(_READY_S)
        ways: dict[str, Encoder] = {"shared memory": shared, "plain gRPC": plain, _ALONE: OnnxEncoder(DEFAULT_ENCODER)}
        difference = _largest_difference(ways, tiles)
        runs = interleaved(size.encoder_repeats, {name: _work(encoder, tiles) for name, encoder in ways.items()})
    figures = {name: rates(times, len(tiles)) for name, times in runs.items()}
    rows = [Row(f"Triton, {way}", "tiles/s", figures[way], _ALONE, figures[_ALONE]) for way in _WAYS]
    rows.append(Row(SHARED, "tiles/s", figures["shared memory"], "plain gRPC", figures["plain gRPC"]))
    title = f"Triton on this machine, CPU: {len(tiles)} tiles, batches of {_BATCH}, {_IN_FLIGHT} in flight"
    return Section(title, rows, [f"features differ by {difference:.1e} at most"])


def _tiles(folder: Path, size: Size) -> Tiles:
    slide = material.aperio(folder / "triton.svs", 2)
    positions = Positions.of(slide, size.triton_tiles)
    with open_slide(slide) as reader:
        return np.resize(
            reader.read_tiles(positions.origins, positions.cut).pixels, (size.triton_tiles, *_shape(positions))
        )


def _shape(positions: Positions) -> tuple[int, int, int]:
    return positions.cut.px, positions.cut.px, 3


def _largest_difference(ways: dict[str, Encoder], tiles: Tiles) -> float:
    features = {name: encoder.embed(tiles) for name, encoder in ways.items()}
    largest = max(float(np.abs(times - features[_ALONE]).max()) for times in features.values())
    if largest > TOLERANCE:
        raise FeaturesDifferError(f"Triton's features differ by {largest:.1e} from those made in process")
    return largest


def _work(encoder: Encoder, tiles: Tiles) -> Work:
    return lambda: encoder.embed(tiles)
