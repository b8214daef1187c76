"""Regions of planned slides as pictures: bounded, and only of slides that still stand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Any

import cv2
import numpy as np
from medulla.v1.common_pb2 import Plan, Slide

from services.tiler.chunks import check_names
from services.tiler.errors import BadRegionError, NoLevelError, SlideGoneError, TooManyRegionsError
from services.tiler.limits import MAX_REGION_PX
from services.tiler.open_views import OpenViews
from services.tiler.plan_store import PlanStore
from services.tiler.ports import Layout, Region, Rgb
from services.tiler.pyramid import resampled
from services.tiler.region import encoded
from shared import keys
from shared.units import Sha256


@dataclass
class ReadRegions:
    """Describes slides to viewers and reads their regions, at most `most` at once."""

    views: OpenViews
    plans: PlanStore
    most: int
    _free: BoundedSemaphore = field(init=False)

    def __post_init__(self) -> None:
        self._free = BoundedSemaphore(self.most)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """One of the reads that are allowed at once.

        Raises:
            TooManyRegionsError: all are taken.
        """
        if not self._free.acquire(blocking=False):
            raise TooManyRegionsError(f"{self.most} regions are read, which is all this tiler reads at once")
        try:
            yield
        finally:
            self._free.release()

    def describe(self, slide: Slide, plan: Plan) -> Layout:
        """Open a slide and say how large it is.

        Raises:
            BadStreamRequestError: the request names no slide or plan.
            SlideGoneError: the slide no longer stands, or has no plan.
            FetchingError: its files are being fetched.
            SlideError, CrashedWorkerError, TransientError: it cannot be opened.
        """
        check_names(slide, plan)
        with self.views.hold(slide, lambda: self._described(slide, plan)) as view:
            view.check()
            return view.layout

    def read(self, slide: Slide, plan: Plan, region: Region) -> bytes:
        """One region as a JPEG file.

        Raises:
            BadRegionError: it lies outside of the slide, or is beyond the bounds.
            DamagedRegionError: it does not decode.
            BadStreamRequestError, SlideGoneError, FetchingError, SlideError, CrashedWorkerError, TransientError
        """
        check_names(slide, plan)
        with self.views.hold(slide, lambda: self._described(slide, plan)) as view:
            _check(region, view.layout)
            try:
                return view.read(region)
            except NoLevelError:
                return self._from_thumbnail(slide, plan, region, view.layout)

    def _described(self, slide: Slide, plan: Plan) -> dict[str, Any]:
        described = self.plans.described(Sha256(slide.digest), Sha256(plan.digest))
        if described is None:
            raise SlideGoneError("the slide has no such plan")
        return described

    def _from_thumbnail(self, slide: Slide, plan: Plan, region: Region, layout: Layout) -> bytes:
        key = keys.plan_prefix(Sha256(slide.digest), Sha256(plan.digest)) + keys.THUMBNAIL
        data = np.frombuffer(self.plans.blobs.get(key), np.uint8)
        picture: Rgb = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]
        return encoded(resampled(_part(picture, region, layout), region.out_width_px, region.out_height_px))


def _part(picture: Rgb, region: Region, layout: Layout) -> Rgb:
    """The part of a picture of the whole slide that shows a region, one pixel at least."""
    height, width = picture.shape[:2]
    across, down = width / layout.width_px, height / layout.height_px
    left, top = min(int(region.x_px * across), width - 1), min(int(region.y_px * down), height - 1)
    right = max(left + 1, round((region.x_px + region.width_px) * across))
    bottom = max(top + 1, round((region.y_px + region.height_px) * down))
    return np.ascontiguousarray(picture[top:bottom, left:right])


def _check(region: Region, layout: Layout) -> None:
    sides = (
        (region.x_px, region.width_px, region.out_width_px, layout.width_px),
        (region.y_px, region.height_px, region.out_height_px, layout.height_px),
    )
    for start, length, out, whole in sides:
        if start < 0 or length < 1 or start + length > whole:
            raise BadRegionError(f"{length:,} px from {start:,} do not lie within the slide's {whole:,} px")
        if not 1 <= out <= min(MAX_REGION_PX, length):
            raise BadRegionError(f"a picture of {out:,} px is not between 1 and {min(MAX_REGION_PX, length):,} px")
