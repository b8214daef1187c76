"""Attention as GeoJSON for QuPath: one feature a tile, squares in level-0 pixels, streamed.

QuPath reads `objectType`, `classification`, `measurements` and `name` of a feature's properties, and passes over other
members of the collection (`PathObjectTypeAdapters` of qupath-core).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice, repeat

import numpy as np
from medulla.v1.scorer_pb2 import SlideEvidence
from numpy.typing import NDArray

from shared.arrays import Floats
from shared.export.exported_case import ExportedCase
from shared.export.slide_attention import SlideAttention

MEDIA_TYPE = "application/geo+json"
MOST_TILES = 600_000
"""Features of tiles in one file, about 250 MB; of more tiles the most attended are written."""
_BATCH = 1_000
MOST_ATTENDED = "Most attended"
"""Class of the annotations."""
_TOP = {"name": MOST_ATTENDED, "color": [60, 0, 70]}
_CLASSES = (
    {"name": "Attention below mean", "color": [255, 247, 188]},
    {"name": "Attention 1 to 2 x mean", "color": [254, 196, 79]},
    {"name": "Attention 2 to 4 x mean", "color": [217, 95, 14]},
    {"name": "Attention 4 x mean or more", "color": [140, 20, 60]},
)
"""Classification by the ratio of a tile's attention to the slide's mean, with colours of the page's ramp."""
OKABE_ITO = (
    [0, 114, 178],
    [230, 159, 0],
    [0, 158, 115],
    [240, 228, 66],
    [213, 94, 0],
    [86, 180, 233],
    [0, 0, 0],
    [204, 121, 167],
)
"""Colours of classes of tiles, those of the page: people with any colour vision can tell them apart."""
_RATIOS = (1.0, 2.0, 4.0)
"""Lower bounds of the classes but the first."""


@dataclass(frozen=True)
class AttentionGeoJson:
    """The attention of one slide: the most attended tiles as annotations, every tile as a tile object."""

    case: ExportedCase
    slide: SlideEvidence
    attention: SlideAttention
    most: int = MOST_TILES
    """Largest number of tile objects."""

    def chunks(self) -> Iterator[bytes]:
        """The file in UTF-8, one feature a line; tiles by attention, the highest first."""
        yield f'{{"type":"FeatureCollection","medulla":{json.dumps(self._about())},"features":['.encode()
        features, separator = chain(self._annotations(), self._tiles()), "\n"
        while batch := list(islice(features, _BATCH)):
            yield (separator + ",\n".join(batch)).encode()
            separator = ",\n"
        yield b"\n]}\n"

    def _about(self) -> dict[str, str | int | bool | float]:
        score, tiles = self.case.score, len(self.attention.attention)
        written = min(tiles, self.most)
        return {
            "case_id": score.case_id,
            "slide_id": self.slide.slide_id,
            "slide_digest": self.slide.slide_digest,
            "score_id": score.score_id,
            "simulated": score.simulated,
            "notice": score.notice,
            "mean_attention": _digits(self.attention.mean),
            "tiles": tiles,
            "tiles_written": written,
            "remark": "" if written == tiles else f"The {written} most attended of {tiles} tiles are written.",
        }

    def _annotations(self) -> Iterator[str]:
        for rank, tile in enumerate(self.slide.top_tiles, 1):
            named = {"name": f"{MOST_ATTENDED} {rank}", "isLocked": True}
            measured = _measured(tile.attention, tile.attention / (self.attention.mean or 1.0))
            yield self._feature("annotation", (tile.x_px, tile.y_px), _TOP, measured, named)

    def _tiles(self) -> Iterator[str]:
        chosen = self.attention.descending()[: self.most]
        values = np.asarray(self.attention.attention[chosen], np.float64)
        ratios: Floats = values / (self.attention.mean or 1.0)
        columns = self.attention.coords[chosen], values, ratios, self._classes(ratios, chosen), self._prototypes(chosen)
        for (x, y), value, ratio, kind, prototype in zip(*columns, strict=True):
            yield self._feature("tile", (int(x), int(y)), kind, _measured(value, ratio) | prototype, {})

    def _classes(self, ratios: Floats, chosen: NDArray[np.int64]) -> Iterator[Mapping[str, object]]:
        """Each tile's class of the composition; by its attention where the score has no composition."""
        composition, names = self.attention.composition, self.case.score.composition_classes
        if composition is None or not names:
            return (_CLASSES[kind] for kind in np.digitize(ratios, _RATIOS))
        coloured = [{"name": name, "color": colour} for name, colour in zip(names, OKABE_ITO, strict=False)]
        return (coloured[kind] for kind in composition[chosen])

    def _prototypes(self, chosen: NDArray[np.int64]) -> Iterator[dict[str, float]]:
        """The number of each tile's prototype as a measurement; nothing where the score has none."""
        numbers = self.attention.prototypes
        if numbers is None:
            return repeat({}, len(chosen))
        return ({"Prototype": int(number)} for number in numbers[chosen])

    def _feature(
        self,
        kind: str,
        corner: tuple[int, int],
        classification: Mapping[str, object],
        measurements: Mapping[str, float],
        others: Mapping[str, object],
    ) -> str:
        properties = {
            "objectType": kind,
            **others,
            "classification": classification,
            "measurements": measurements,
        }
        feature = {"type": "Feature", "geometry": self._square(*corner), "properties": properties}
        return json.dumps(feature, separators=(",", ":"))

    def _square(self, x: int, y: int) -> dict[str, object]:
        right, below = round(x + self.slide.tile_width_px, 2), round(y + self.slide.tile_height_px, 2)
        ring = [[x, y], [right, y], [right, below], [x, below], [x, y]]
        return {"type": "Polygon", "coordinates": [ring]}


def attention_geojson(case: ExportedCase, slide_id: str = "", most: int = MOST_TILES) -> AttentionGeoJson:
    """The attention of a score on a slide, read and checked, ready to be written.

    Raises:
        NotStoredError, ChooseSlideError, BrokenMapError: see ExportedCase.
    """
    slide = case.mapped_slide(slide_id)
    return AttentionGeoJson(case, slide, case.attention(slide), most)


def _measured(attention: float, ratio: float) -> dict[str, float]:
    return {"Attention": _digits(attention), "Attention / mean": _digits(ratio)}


def _digits(value: float) -> float:
    """Six significant digits, as scores have."""
    return float(f"{value:.6g}")
