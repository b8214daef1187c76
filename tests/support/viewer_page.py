"""The page of slides in a browser: planned and scored slides over HTTP, and what is seen of them."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs

import numpy as np
from medulla.v1.events_pb2 import SlideTiled
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from services.standalone.laptop_pixels import LaptopPixels
from services.tiler.isolation import isolated_readers
from tests.support import scores as samples
from tests.support.polling import eventually
from tests.support.results import Results, over_http
from tests.support.tiling import Tiling, tiling
from tests.support.viewing import (
    LARGE_PX,
    MPP,
    SMALL_PX,
    attention_map,
    index,
    laptop_pixels,
    large_slide,
    pixels,
    scored,
)

CASE = "MB-0042"
LARGE, SMALL = "large.tif", "small.tif"
VIEW = f"#/cases/{CASE}/slides/{LARGE}"
_DARK = 150
"""Green of tissue, at most."""


class ShownSlides(NamedTuple):
    """A case of planned and scored slides, and the address of its page."""

    tiler: Tiling
    events: list[SlideTiled]
    results: Results
    pixels: LaptopPixels
    address: str


@contextmanager
def shown_slides(folder: Path, *, is_pair: bool = False) -> Iterator[ShownSlides]:
    """A large slide, or with it one of the same size in microns at half the resolution."""
    results = Results(folder)
    with (
        isolated_readers() as readers,
        tiling(folder / "tiler", store=results.blobs, opener=readers) as tiler,
        pixels(tiler, readers) as regions,
        over_http(results, pixels=laptop_pixels(regions)) as address,
    ):
        events = [tiler.plan(f"slides/{CASE}/{LARGE}", large_slide())]
        if is_pair:
            small = large_slide((1, 4, 16), SMALL_PX, MPP * LARGE_PX / SMALL_PX)
            events.append(tiler.plan(f"slides/{CASE}/{SMALL}", small))
        show(results, *events)
        yield ShownSlides(tiler, events, results, laptop_pixels(regions), address)
    results.close()


def show(results: Results, *events: SlideTiled) -> None:
    """Let the case of planned slides be scored."""
    for event in events:
        index(results.blobs, event)
    score = samples.add_composition(samples.add_prototypes(scored(*events)))
    for slide in score.slides:
        results.blobs.put_new(slide.attention_key, attention_map(slide))
    results.score(score)


def is_drawn(stage: Locator, least: float = 0.02) -> bool:
    """Whether tissue covers at least this share of a viewer."""
    picture = Image.open(io.BytesIO(stage.screenshot())).convert("RGB")
    return bool((np.asarray(picture)[..., 1] < _DARK).mean() > least)


def opened(page: Page, address: str, view: str = VIEW) -> None:
    """Open a view and wait until its slides are drawn."""
    page.goto(f"{address}/{view}")
    expect(page.locator(".ranked").first.locator("li")).to_have_count(5)
    for stage in page.locator(".stage").all():
        eventually(partial(is_drawn, stage))


def place(page: Page) -> dict[str, float]:
    """The numbers of the address."""
    query = parse_qs(str(page.evaluate("location.hash")).partition("?")[2])
    return {name: float(values[0]) for name, values in query.items() if name != "beside"}
