"""Example tiles as pictures: cut where and as large as they were embedded, else absent with the reason."""

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.standalone.cohort_slides import CohortSlides
from services.standalone.errors import NothingFoundError
from services.standalone.prototype_pictures import plate
from services.tiler.in_place import slide_digest
from services.trainer.cohort.embeddings import read_embeddings
from services.trainer.report.plate import Picture
from services.trainer.report_model.patients import PrototypeRow, TileExample
from services.trainer.simulation.tables import write_table
from shared.canonical import sha256
from shared.tensors import encode_tensors
from tests.support.cohorts import quiet
from tests.support.slides import write_tiff

SIDE = 256
GREYS = (30, 90, 150, 210)
SIZE = {"tile_px": "256", "tile_um": "128.0"}


@pytest.fixture
def slides(tmp_path: Path) -> Path:
    """Two cases with a slide of four tiles in a row, each of one grey."""
    row = np.repeat(np.array(GREYS, np.uint8), SIDE)
    pixels = np.broadcast_to(row[None, :, None], (2 * SIDE, 4 * SIDE, 3))
    for case in ("A", "B"):
        (tmp_path / "slides" / case).mkdir(parents=True)
        write_tiff(tmp_path / "slides" / case / f"{case}-1.tiff", pixels)
    return tmp_path


def embedded(slides: Path, metadata: dict[str, str] = SIZE, *, placed: bool = True) -> Path:
    """Bags of these slides, as they are now."""
    rows = []
    metadata = metadata | {"encoder_name": "e", "encoder_digest": sha256(b"e")}
    bag: dict[str, NDArray[np.generic]] = {"features": np.ones((4, 8), np.float16)}
    if placed:
        bag["coords"] = np.array([(SIDE * i, 0) for i in range(4)], np.int32)
    for path in sorted((slides / "slides").glob("*/*.*")):
        (slides / f"{path.name}.bag").write_bytes(encode_tensors(bag, metadata))
        row = {"case_id": path.parent.name, "slide_id": path.name, "slide_digest": slide_digest([path])}
        rows.append(row | {"tiles": "4", "path": f"{path.name}.bag"})
    write_table(slides / "index.csv", rows)
    return slides


def pictures(slides: Path, numbers: dict[str, int]) -> list[Picture]:
    """Pictures of one tile of each case, as one prototype."""
    embeddings = read_embeddings(slides)
    examples = tuple(TileExample.model_validate(embeddings.tile(case, number)) for case, number in numbers.items())
    prototype = PrototypeRow(
        prototype=3, mean_share=1, spread=0, share_with_event=1, share_without=1, most_in=(), examples=examples
    )
    return list(plate([prototype], embeddings, CohortSlides.below(slides, None), quiet).pictures[3])


def grey(picture: Picture) -> float:
    """Mean of a picture that is a JPEG of the size that is shown."""
    kind, coded = picture.address.split(",")
    assert kind == "data:image/jpeg;base64"
    image = cv2.imdecode(np.frombuffer(base64.b64decode(coded), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (224, 224, 3)
    return float(image.mean())


def test_a_picture_shows_the_tile_at_its_place_and_no_pixel_of_its_neighbours(slides: Path) -> None:
    shown = pictures(embedded(slides), {"B": 2, "A": 0})
    assert [grey(picture) for picture in shown] == pytest.approx([GREYS[2], GREYS[0]], abs=2)
    assert [picture.tile_um for picture in shown] == [128.0, 128.0]


def test_tiles_are_as_large_as_they_were_embedded(slides: Path) -> None:
    (wide,) = pictures(embedded(slides, {"tile_px": "256", "tile_um": "256.0"}), {"A": 0})
    assert grey(wide) == pytest.approx((GREYS[0] + GREYS[1]) / 2, abs=2)
    assert wide.tile_um == 256


def test_a_slide_that_is_gone_leaves_the_others_their_pictures(slides: Path) -> None:
    embedded(slides)
    (slides / "slides/A/A-1.tiff").unlink()
    unavailable, shown = pictures(slides, {"A": 1, "B": 1})
    assert not unavailable.address
    assert unavailable.why == "slide A-1.tiff of case A is in the embeddings, but not among the slides"
    assert grey(shown) == pytest.approx(GREYS[1], abs=2)


def test_another_slide_of_the_same_name_is_not_shown(slides: Path) -> None:
    embedded(slides)
    with (slides / "slides/A/A-1.tiff").open("ab") as file:
        file.write(b" ")
    (picture,) = pictures(slides, {"A": 1})
    assert not picture.address
    assert picture.why.endswith("is not the slide that was embedded: its digest is another one")


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "empty"), (b"a letter", "no whole-slide image"), (b"II*\0", "TIFF")]
)
def test_what_no_reader_opens_is_absent_with_the_reason(slides: Path, content: bytes, why: str) -> None:
    (slides / "slides/A/A-1.tiff").write_bytes(content)
    (picture,) = pictures(embedded(slides), {"A": 0})
    assert not picture.address
    assert why in picture.why


@pytest.mark.parametrize(
    "metadata", [{}, {"tile_px": "256"}, {"tile_px": "many", "tile_um": "128.0"}, SIZE | {"tile_px": "0"}]
)
def test_tiles_of_unknown_size_are_not_guessed_at(slides: Path, metadata: dict[str, str]) -> None:
    (picture,) = pictures(embedded(slides, metadata), {"A": 0})
    assert picture == Picture(why="the embeddings do not say how large a tile is")


def test_tiles_without_a_place_are_absent(slides: Path) -> None:
    (picture,) = pictures(embedded(slides, placed=False), {"A": 0})
    assert picture == Picture(why="the embeddings do not say where the tile lies")


def test_two_slides_of_one_stem_are_not_mixed_up(slides: Path) -> None:
    (slides / "slides/A/A-1.tif").write_bytes((slides / "slides/A/A-1.tiff").read_bytes() + b" ")
    (picture,) = pictures(embedded(slides), {"A": 0})
    assert grey(picture) == pytest.approx(GREYS[0], abs=2)


def test_a_folder_without_slides_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    with pytest.raises(NothingFoundError, match="no slide found"):
        CohortSlides.below(tmp_path, None)
