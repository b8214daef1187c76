"""Plans in the object store: written once under the digest of their inputs, `plan.json` last."""

import json
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from services.tiler.errors import UnknownPlanError
from services.tiler.grid import GridSpec
from services.tiler.planner import TilePlan
from services.tiler.ports import Cut, Origins, Rgb, SlideFacts
from shared import keys
from shared.blob.port import BlobStore, ObjectChangedError, read_if_there
from shared.program import program_version
from shared.tensors import encode_tensors
from shared.units import Level0Px, Sha256


@dataclass(frozen=True, slots=True)
class PlannedTiles:
    """The fields of a plan that streaming needs."""

    slide_digest: Sha256
    cut: Cut
    tiles_per_chunk: int
    coords: Origins
    """int32 [n, 2], level-0 corners."""

    @property
    def chunks(self) -> int:
        """How many chunks the plan has."""
        return -(-len(self.coords) // self.tiles_per_chunk)


@dataclass(frozen=True)
class PlanStore:
    """Writes and reads plans."""

    blobs: BlobStore

    def save(self, plan: TilePlan) -> None:
        """Write a plan; an existing one stays."""
        prefix = keys.plan_prefix(plan.slide_digest, plan.digest)
        tensors: dict[str, NDArray[np.generic]] = {"coords": plan.coords, "ledger": plan.ledger}
        self.blobs.put_new(prefix + keys.PLAN_TILES, encode_tensors(tensors))
        self.blobs.put_new(prefix + keys.PLAN_MASK, _encoded(".png", plan.mask))
        self.save_thumbnail(plan)
        self.blobs.put_new(prefix + keys.PLAN, json.dumps(_described(plan), indent=1).encode())

    def save_thumbnail(self, plan: TilePlan) -> str:
        """Write only the thumbnail; returns its key."""
        key = keys.plan_prefix(plan.slide_digest, plan.digest) + keys.THUMBNAIL
        self.blobs.put_new(key, _encoded(".jpg", plan.thumbnail))
        return key

    def described(self, slide: Sha256, plan: Sha256) -> dict[str, Any] | None:
        """The plan's description (`plan.json`), or None if it was not finished."""
        data = read_if_there(self.blobs, keys.plan_prefix(slide, plan) + keys.PLAN)
        return None if data is None else dict(json.loads(data))

    def tiles(self, slide: Sha256, plan: Sha256) -> PlannedTiles:
        """The tiles to cut.

        Raises:
            UnknownPlanError: there is no such plan.
        """
        described = self.described(slide, plan)
        if described is None:
            raise UnknownPlanError(f"plan {plan} of slide {slide} is not in the store")
        try:
            tensors = load(self.blobs.get(keys.plan_prefix(slide, plan) + keys.PLAN_TILES))
        except ObjectChangedError as error:
            raise UnknownPlanError(f"plan {plan} of slide {slide} has lost its tiles") from error
        sides = Level0Px(round(described["tile_width_px"])), Level0Px(round(described["tile_height_px"]))
        grid = GridSpec.model_validate(described["grid"])
        cut = Cut(*sides, grid.tile_px, grid.preprocessing)
        return PlannedTiles(slide, cut, described["tiles_per_chunk"], tensors["coords"])


def _described_slide(slide: SlideFacts) -> dict[str, Any]:
    resolution = slide.resolution
    return {
        "format": slide.format,
        "codec": slide.codec,
        "reader": slide.reader,
        "width_px": slide.width_px,
        "height_px": slide.height_px,
        "mpp_x": resolution.mpp_x,
        "mpp_y": resolution.mpp_y,
        "mpp_source": resolution.source,
        "mpp_contradicted_by": [
            {"mpp_x": other.mpp_x, "mpp_y": other.mpp_y, "source": other.source} for other in resolution.contradicted_by
        ],
        "levels": [
            {"width_px": level.width_px, "height_px": level.height_px, "downsample": level.downsample}
            for level in slide.levels
        ],
    }


def _described(plan: TilePlan) -> dict[str, Any]:
    return {
        "version": 1,
        "slide_digest": plan.slide_digest,
        "plan_digest": plan.digest,
        "grid": plan.spec.grid.model_dump(),
        "quality": plan.spec.quality.model_dump(),
        "slide": _described_slide(plan.slide),
        "tile_width_px": float(plan.grid.cut.width_px),
        "tile_height_px": float(plan.grid.cut.height_px),
        "tiles_per_chunk": plan.spec.tiles_per_chunk,
        "tiles": len(plan.coords),
        "ledger": plan.counts,
        "qc_flags": list(plan.qc_flags),
        "overview_um_per_px": plan.overview_um_per_px,
        "tissue_mm2": plan.tissue_mm2,
        "colours": list(plan.colours),
        "program_version": program_version(),
    }


def _encoded(kind: str, image: Rgb) -> bytes:
    done, data = cv2.imencode(kind, image[..., ::-1] if image.ndim == 3 else image)
    if not done:
        raise ValueError(f"cannot encode an image of shape {image.shape} as {kind}")
    return bytes(np.asarray(data, np.uint8).tobytes())
