"""Cuts the labelled tiles of one slide as pictures, once: a second run with the same inputs finds them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from services.standalone.annotations.class_areas import class_areas
from services.standalone.annotations.errors import BadClassError
from services.standalone.annotations.feature_files import Feature, read_features
from services.standalone.annotations.slide_record import SlideRecord, Tile, record_path
from services.standalone.annotations.tile_labels import TileLabels, label_tiles
from services.standalone.errors import BadTableCaseError, located
from services.standalone.local_slides import SlideFile
from services.standalone.pictures import rgb_png
from services.tiler.planner import PlanSpec, TilePlan, plan
from services.tiler.ports import Cut, SlideReader
from services.tiler.readers import OpenSlide
from services.tiler.resolution import Override
from services.trainer.finetune.tile_dataset import BETWEEN
from shared import keys
from shared.canonical import digest_of, sha256
from shared.errors import PermanentError
from shared.files import put

CORRUPT = "tiles that do not decode"
_VERSION = 1
"""Increased whenever the same slide, annotations and settings would give other tiles."""
_BATCH = 64
_UNFIT = re.compile(r"[^\w .+-]")


@dataclass(frozen=True)
class TileMaker:
    """Labels and cuts the tiles of slides into the folder `out`."""

    out: Path
    spec: PlanSpec
    least: float
    """Share of a tile that its class covers, at least."""
    default_mpp: float | None
    open_slide: OpenSlide

    def __call__(self, slide: SlideFile, annotations: Path) -> SlideRecord:
        """Label and cut the tiles of one slide; those of an earlier run stay, or are replaced.

        Raises:
            PermanentError: the slide or its annotations are refused.
        """
        _check(slide)
        content, features = read_features(annotations)
        settings = [_VERSION, self.spec.model_dump(mode="json"), self.least, slide.mpp, self.default_mpp]
        digest = slide.digest
        inputs_digest = digest_of([digest, sha256(content), settings])
        earlier = SlideRecord.read(record_path(self.out, slide.case_id, slide.slide_id))
        if earlier and earlier.finished and earlier.inputs_digest == inputs_digest:
            return earlier
        if earlier:
            earlier.remove(self.out)
        with slide.at_hand() as path, self.open_slide(path, Override(slide.mpp, self.default_mpp)) as reader:
            tile_plan = plan(reader, self.spec, digest)
            labels, left_out = self._labels(features, tile_plan, annotations)
            begun = SlideRecord(
                slide.case_id, slide.slide_id, digest, inputs_digest, _tiles(labels, slide), left_out, finished=False
            )
            begun.write(self.out)
            return self._cut(reader, tile_plan.grid.cut, labels, begun)

    def _labels(
        self, features: Sequence[Feature], tile_plan: TilePlan, annotations: Path
    ) -> tuple[TileLabels, dict[str, int]]:
        try:
            areas = class_areas(features, tile_plan.slide, tile_plan.grid)
            labels = label_tiles(areas.areas, tile_plan, self.least)
        except PermanentError as error:
            raise located(error, annotations) from None
        return labels, {**areas.left_out, **labels.left_out}

    def _cut(self, reader: SlideReader, cut: Cut, labels: TileLabels, begun: SlideRecord) -> SlideRecord:
        for name in {Path(tile.path).parent for tile in begun.tiles}:
            (self.out / name).mkdir(parents=True, exist_ok=True)
        readable: list[Tile] = []
        for start in range(0, len(begun.tiles), _BATCH):
            tiles = reader.read_tiles(labels.origins[start : start + _BATCH], cut)
            for tile, pixels, corrupt in zip(begun.tiles[start:], tiles.pixels, tiles.corrupt, strict=False):
                if not corrupt:
                    put(self.out / tile.path, rgb_png(pixels))
                    readable.append(tile)
        corrupt = len(begun.tiles) - len(readable)
        left_out = begun.left_out | ({CORRUPT: corrupt} if corrupt else {})
        record = replace(begun, tiles=tuple(readable), left_out=left_out, finished=True)
        record.write(self.out)
        return record


def folder_name(class_name: str) -> str:
    """The folder of a class: its name, with ` - ` for the colon of a derived class and `_` for what paths reject.

    Raises:
        BadClassError: nothing of the name is left.
    """
    name = _UNFIT.sub("_", class_name.replace(": ", " - ")).strip(" .")
    if not name.strip("_ .-"):
        raise BadClassError(f"class {class_name} cannot name a folder of tiles")
    return name


def _tiles(labels: TileLabels, slide: SlideFile) -> tuple[Tile, ...]:
    folders = [folder_name(name) for name in labels.classes]
    if len(set(folders)) < len(folders):
        raise BadClassError(f"classes {', '.join(labels.classes)} would share a folder of tiles")
    stem = f"{slide.case_id}{BETWEEN}{slide.slide_id}"
    rows = zip(labels.label.tolist(), labels.origins.tolist(), labels.share.tolist(), strict=True)
    return tuple(
        Tile(labels.classes[label], x, y, round(share, 4), f"{folders[label]}/{stem}_{x}_{y}.png")
        for label, (x, y), share in rows
    )


def _check(slide: SlideFile) -> None:
    slide.check()
    keys.case_id(slide.case_id, str(slide.path))
    if BETWEEN in slide.case_id:
        raise BadTableCaseError(f"case {slide.case_id} has {BETWEEN} in its name, which ends a patient's in tiles")
