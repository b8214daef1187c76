"""The Deep Zoom pyramid."""

from hypothesis import given
from hypothesis import strategies as st

from services.results.deep_zoom import DeepZoom, Square

sides = st.integers(1, 200_000)


def test_a_slide_of_1000_px_has_eleven_levels() -> None:
    zoom = DeepZoom(1000, 600, 256)
    assert zoom.deepest == 10
    assert zoom.square(10, 3, 2) == Square(768, 512, 232, 88, 232, 88)
    assert zoom.square(9, 1, 1) == Square(512, 512, 488, 88, 244, 44)
    assert zoom.square(0, 0, 0) == Square(0, 0, 1000, 600, 1, 1)


def test_there_is_nothing_beyond_the_pyramid() -> None:
    zoom = DeepZoom(1000, 600, 256)
    outside = [(11, 0, 0), (-1, 0, 0), (10, 4, 0), (10, 0, 3), (10, -1, 0), (10**9, 0, 0)]
    assert [zoom.square(*place) for place in outside] == [None] * len(outside)


@given(sides, sides, st.sampled_from([240, 256, 512]), st.data())
def test_the_squares_of_a_level_cover_its_pixels_once(width: int, height: int, side: int, data: st.DataObject) -> None:
    zoom = DeepZoom(width, height, side)
    level = data.draw(st.integers(0, zoom.deepest))
    across = -(-width // 2 ** (zoom.deepest - level))
    squares = [zoom.square(level, column, 0) for column in range(-(-across // side) + 1)]
    assert squares[-1] is None
    assert sum(square.out_width_px for square in squares if square) == across
    assert sum(square.width_px for square in squares if square) == width


def test_the_description_is_that_of_a_deep_zoom_image() -> None:
    text = DeepZoom(1000, 600, 256).xml().decode()
    assert 'xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="jpeg" Overlap="0" TileSize="256"' in text
    assert '<Size Width="1000" Height="600" />' in text
