"""Pixels of slides for the page of `medulla up`: the tiler's regions, read in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from medulla.v1.common_pb2 import Plan, Slide

from services.results.deep_zoom import DeepZoom, Square
from services.results.slide_pixels import IsWanted, refused
from services.standalone.pipeline import Pipeline
from services.tiler.errors import FetchingError
from services.tiler.open_views import OpenViews
from services.tiler.ports import Region
from services.tiler.region import viewer_px
from services.tiler.regions import ReadRegions
from services.tiler.settings import ViewSettings
from services.tiler.slide_view import ViewOpener
from shared.errors import PermanentError, TransientError
from shared.slides.standing import CHECK_EVERY_S

_LIMITS = ViewSettings()
_MIB = 2**20


@dataclass(frozen=True)
class LaptopPixels:
    """The tiler's regions without a network."""

    regions: ReadRegions

    def describe(self, slide: Slide, plan: Plan) -> DeepZoom | None:
        """See SlidePixels."""
        try:
            layout = self.regions.describe(slide, plan)
        except FetchingError:
            return None
        except PermanentError as error:
            raise refused(error) from error
        return DeepZoom(layout.width_px, layout.height_px, viewer_px(layout))

    def read(self, slide: Slide, plan: Plan, square: Square, is_wanted: IsWanted) -> bytes:
        """See SlidePixels."""
        if not is_wanted():
            raise TransientError("nobody waits for this part of the slide any more")
        region = Region(
            x_px=square.x_px,
            y_px=square.y_px,
            width_px=square.width_px,
            height_px=square.height_px,
            out_width_px=square.out_width_px,
            out_height_px=square.out_height_px,
        )
        try:
            return self.regions.read(slide, plan, region)
        except PermanentError as error:
            raise refused(error) from error


@contextmanager
def laptop_pixels(pipeline: Pipeline) -> Iterator[LaptopPixels]:
    """Pixels of the slides in the pipeline's workspace."""
    plans, files = pipeline.plan_tiles.plans, pipeline.plan_tiles.files
    opener = ViewOpener(pipeline.workspace.store, files, pipeline.open_slide, _LIMITS.cache_mb * _MIB, CHECK_EVERY_S)
    with OpenViews(opener, _LIMITS.slides, _LIMITS.idle_s) as views:
        yield LaptopPixels(ReadRegions(views, plans, _LIMITS.regions))
