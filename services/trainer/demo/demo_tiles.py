"""Features of the demo slide's real tiles, from which SIMULATED bags are made."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import openslide

_TISSUE_SATURATION = 0.07
_TISSUE_SHARE = 0.4


@dataclass(frozen=True)
class EncodedTiles:
    """Tiles of one slide as an encoder sees them."""

    features: npt.NDArray[np.float64]
    """[n, d]."""
    encoder_name: str
    encoder_digest: str


def encode(slide: Path, encoder: Path) -> EncodedTiles:
    """Cut the slide's tissue into the tiles that the encoder's manifest asks for, and encode them."""
    manifest = json.loads((encoder / "manifest.json").read_text())
    tiles = _tissue_tiles(slide, manifest["input_px"], manifest["um_per_px"])
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(encoder / "encoder.onnx", options, providers=["CPUExecutionProvider"])
    (features,) = session.run([manifest["output"]], {manifest["input"]: tiles})
    return EncodedTiles(np.asarray(features, np.float64), manifest["name"], manifest["digest"])


def _tissue_tiles(slide: Path, side: int, um_per_px: float) -> npt.NDArray[np.uint8]:
    """Every tile [n, side, side, 3] of a plain grid that is coloured enough to be tissue."""
    with openslide.OpenSlide(slide) as opened:
        step = round(side * um_per_px / float(opened.properties[openslide.PROPERTY_NAME_MPP_X]))
        width, height = opened.dimensions
        places = [(x, y) for y in range(0, height - step + 1, step) for x in range(0, width - step + 1, step)]
        images = [opened.read_region(place, 0, (step, step)).convert("RGB").resize((side, side)) for place in places]
    tiles = np.stack([np.asarray(image, np.uint8) for image in images])
    return tiles[_tissue_share(tiles) >= _TISSUE_SHARE]


def _tissue_share(tiles: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    high, low = tiles.max(axis=3).astype(np.float64), tiles.min(axis=3)
    return np.asarray(((high - low) > _TISSUE_SATURATION * 255).mean(axis=(1, 2)), np.float64)
