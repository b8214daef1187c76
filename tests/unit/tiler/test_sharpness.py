"""Sharp tissue is told from blurred tissue."""

from pathlib import Path

import cv2
import numpy as np

from services.tiler.grid import GridSpec, lay
from services.tiler.planner import QualityRules
from services.tiler.readers import open_slide
from services.tiler.resolution import Override
from services.tiler.sharpness import at_two_microns, sharpness
from tests.support.slides import CC0_SLIDE, TCGA_SLIDE, Pixels

LEAST = QualityRules().min_sharpness


def middle(path: Path) -> Pixels:
    with open_slide(path, Override(default=0.5)) as reader:
        grid = lay(GridSpec(), reader.describe())
        inside = grid.origins.reshape(grid.rows, grid.columns, 2)[5:9, 3:5].reshape(-1, 2)
        return reader.read_tiles(inside, at_two_microns(grid.cut, 128)).pixels


def test_tissue_in_focus_is_sharp_on_two_scanners() -> None:
    for path in (CC0_SLIDE, TCGA_SLIDE):
        assert (sharpness(middle(path)) > 3 * LEAST).all()


def test_the_same_tissue_out_of_focus_is_not() -> None:
    for path in (CC0_SLIDE, TCGA_SLIDE):
        blurred = np.stack([cv2.GaussianBlur(tile, (0, 0), 1.5) for tile in middle(path)])
        assert (sharpness(blurred) < LEAST).all()
