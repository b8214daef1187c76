"""How far features move with the preprocessing of tiles: the shipped encoder on the same tissue, made both ways."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from services.embedder.onnx_encoder import OnnxEncoder
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.tiler.ports import Rgb
from services.tiler.readers import open_slide
from shared.arrays import Floats
from shared.preprocessing import Preprocessing
from tests.bench import material
from tests.bench.readers import Positions
from tests.bench.size import Size
from tests.bench.table import Row, Section

_STATED = {"20x, cut as it is": "0.4990", "40x, decoded at 1/2": "0.2495", "80x, decoded at 1/4": "0.1248"}
"""The pixels of the CC0 slide, as if a scanner had stated another size of them."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Of tiles made by areas and by DCT."""

    cosine: Floats
    """Of the features, float64 [n]."""
    largest: Floats
    """Largest difference of a feature, as a share of the norm, float64 [n]."""
    levels: Floats
    """Mean absolute difference of grey levels, float64 [n]."""


def compare(size: Size, folder: Path) -> Section:
    """Cosine and largest difference of features, and difference of pixels, for each ratio of resolutions."""
    encoder = OnnxEncoder(DEFAULT_ENCODER)
    rows = []
    for name, mpp in _STATED.items():
        slide = material.aperio(folder / f"{mpp}.svs", size.pipeline_copies, mpp=mpp)
        shift = _shift(encoder, slide, size.triton_tiles)
        rows.append(Row(f"cosine of features, {name}", "", shift.cosine.tolist()))
        rows.append(Row("  largest difference, share of the norm", "", shift.largest.tolist()))
        rows.append(Row("  mean difference of pixels", "grey levels", shift.levels.tolist()))
    return Section("Preprocessing: dct against area, median (least-greatest) of the tiles", rows)


def _shift(encoder: OnnxEncoder, slide: Path, count: int) -> Shift:
    positions = Positions.of(slide, count)
    with open_slide(slide) as reader:
        cuts = [replace(positions.cut, preprocessing=each) for each in Preprocessing]
        area, dct = (reader.read_tiles(positions.origins, cut).pixels for cut in cuts)
    a, b = (encoder.embed(pixels).astype(np.float64) for pixels in (area, dct))
    norms = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    return Shift((a * b).sum(axis=1) / (norms[0] * norms[1]), np.abs(a - b).max(axis=1) / norms[0], _levels(area, dct))


def _levels(area: Rgb, dct: Rgb) -> Floats:
    return np.asarray(np.abs(area.astype(np.int16) - dct).mean(axis=(1, 2, 3)), np.float64)
