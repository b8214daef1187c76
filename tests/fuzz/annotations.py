"""The target that reads QuPath's annotations."""

from pathlib import Path

from services.standalone.annotations.class_areas import class_areas
from services.standalone.annotations.feature_files import read_features
from services.standalone.annotations.tile_shares import covered
from services.tiler.grid import GridSpec, lay
from services.tiler.ports import Level, Resolution, SlideFacts
from shared.units import MicronsPerPx
from tests.fuzz.mutations import odd_json
from tests.fuzz.targets import Make, Read, Target
from tests.support.annotations import annotation, polygon, square

_MPP = MicronsPerPx(0.5)
_SLIDE = SlideFacts("fuzz", "jpeg", (Level(4000, 2000, 1.0),), Resolution(_MPP, _MPP, "fuzz"))
_GOOD = {
    "type": "FeatureCollection",
    "features": [
        annotation("Tumor", polygon(square(0, 0, 1000, 1000), square(100, 100, 50, 50))),
        annotation("Stroma: Loose", {"type": "MultiPolygon", "coordinates": [[square(2000, 0, 500, 500)]]}),
        annotation("Ignore*", polygon(square(0, 0, 300, 300))),
    ],
}


def _annotations(_: Path) -> tuple[Make, Read]:
    def read(data: bytes, folder: Path) -> object:
        path = folder / "a.geojson"
        path.write_bytes(data)
        grid = lay(GridSpec(), _SLIDE)
        areas = class_areas(read_features(path)[1], _SLIDE, grid).areas
        return [covered(area, grid) for area in areas.values()]

    return lambda rng: odd_json(_GOOD, rng), read


TARGETS = (Target("annotations", _annotations),)
