"""A pool of real tiles, embedded once by the shipped encoder in many stains, from which SIMULATED bags are composed."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from PIL import Image

from services.embedder.onnx_encoder import OnnxEncoder
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.standalone.demo_case import DEMO_SLIDE
from services.standalone.rare_tissue import RareSource, read_rare_source
from services.standalone.simulated_slides import Scanner, tinted
from services.standalone.simulated_tissue import TILE, Pixels
from services.trainer.cohort.embeddings import Features
from services.trainer.simulation.bags import site_shifts
from shared.arrays import Flags, Floats, Ints
from shared.files import put
from shared.tensors import encode_tensors

_SEED = 20261129
EXTERNAL_SCANNERS = 1000
"""Numbers of external scanners begin here."""
_COMPONENTS = 64
"""Principal components that the pool keeps: with the rest, which hold a seventh of the variance, pieces are slow."""
_NEAR = 24
"""How far from its place a tile may be cut, in pixels, so that few tiles of the pool are alike."""


@dataclass(frozen=True)
class PoolPlan:
    """What is embedded: `scanners` training scanners and `external` ones, of each so many slides' stains and tiles."""

    scanners: int = 10
    external: int = 4
    slides: int = 2
    tiles: int = 30
    """Of each kind and slide."""


@dataclass(frozen=True, eq=False)
class TilePool:
    """Embedded tiles of every stain."""

    features: Features
    """float16 [stains, kinds, tiles, d]."""
    scanner: Ints
    """[stains]; training scanners are numbered from 0, external ones from EXTERNAL_SCANNERS."""

    @classmethod
    def read(cls, path: Path, plan: PoolPlan) -> Self:
        """The pool of a file, which is written first where there is none."""
        if not path.exists():
            features, scanner = _embedded(plan)
            features = _principal(features, scanner < EXTERNAL_SCANNERS)
            put(path, encode_tensors({"features": features, "scanner": scanner}, {}))
        from safetensors.numpy import load_file  # noqa: PLC0415

        tensors = load_file(path)
        return cls(tensors["features"], tensors["scanner"])


def _embedded(plan: PoolPlan) -> tuple[Features, Ints]:
    encoder, source = OnnxEncoder(DEFAULT_ENCODER, threads=1), read_rare_source(DEMO_SLIDE)
    rng = np.random.default_rng(_SEED)
    features, scanner = [], []
    for number, scan in enumerate(_scanners(plan, rng)):
        for _ in range(plan.slides):
            tint = scan.of_slide(rng)
            kinds = np.repeat(np.arange(len(source.places)), plan.tiles)
            tiles = np.stack([_tile(source, int(kind), scan, tint, rng) for kind in kinds])
            features.append(encoder.embed(tiles).astype(np.float16).reshape(len(source.places), plan.tiles, -1))
            scanner.append(number if number < plan.scanners else EXTERNAL_SCANNERS + number)
    return np.stack(features), np.array(scanner, np.int64)


def _principal(features: Features, training: Flags) -> Features:
    """The leading principal components of tiles [stains, kinds, tiles, d], fitted on the training scanners' tiles."""
    tiles = features[training].reshape(-1, features.shape[-1]).astype(np.float32)
    mean = tiles.mean(axis=0)
    _, _, axes = np.linalg.svd(tiles - mean, full_matrices=False)
    return np.asarray((features.astype(np.float32) - mean) @ axes[:_COMPONENTS].T, np.float16)


def _scanners(plan: PoolPlan, rng: np.random.Generator) -> Iterator[Scanner]:
    for count, strength in ((plan.scanners, 1.0), (plan.external, 1.5)):
        yield from (Scanner.draw(shift, rng) for shift in site_shifts(count, strength, rng))


def _tile(source: RareSource, kind: int, scanner: Scanner, tint: Floats, rng: np.random.Generator) -> Pixels:
    """A tile from near a place of its kind, turned, stained, and compressed as a scanner does."""
    corner = source.places[kind][rng.integers(len(source.places[kind]))] + rng.integers(-_NEAR, _NEAR + 1, 2)
    y, x = np.clip(corner, 0, np.array(source.pixels.shape[:2]) - TILE).tolist()
    stained = tinted(np.rot90(source.tile(kind, y, x), int(rng.integers(4))), tint)
    file = io.BytesIO()
    Image.fromarray(stained).save(file, "JPEG", quality=scanner.quality)
    return np.asarray(Image.open(file))
