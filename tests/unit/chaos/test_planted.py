"""The canary's name stands where it was planted, in a slide that is still read as it was."""

from pathlib import Path

import openslide

from services.tiler.readers import open_slide
from tests.chaos.planted import NAME, described
from tests.support.slides import CC0_SLIDE


def test_slide_label_and_macro_are_described_with_the_name_and_the_slide_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "slide.svs"
    path.write_bytes(described())
    assert described().count(NAME.encode()) == 3
    with openslide.OpenSlide(path) as slide:
        assert {"label", "macro"} <= set(slide.associated_images)
    with open_slide(path) as planted, open_slide(CC0_SLIDE) as original:
        assert planted.describe() == original.describe()
