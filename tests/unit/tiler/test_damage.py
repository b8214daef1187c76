"""Whatever happens to the bytes of a slide, it is planned or refused; nothing else escapes."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.tiler.errors import SlideError
from services.tiler.planner import PlanSpec, TilePlan, plan
from services.tiler.readers import open_slide
from shared.canonical import sha256
from tests.support.slides import cc0_pixels, write_dicom, write_tiff

_HEAD = 2000
damage = st.lists(st.tuples(st.integers(0, _HEAD), st.integers(0, 255)), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("sound")
    tiff = write_tiff(folder / "slide.tif", cc0_pixels()[1500:2012, 600:1112], (2.0, 2.0), shrinks=1)
    return {"tif": tiff.read_bytes(), "dcm": write_dicom(folder / "slide.dcm").read_bytes()}


@pytest.mark.parametrize("kind", ["tif", "dcm"])
@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=40)
@given(changes=damage, keep=st.floats(0.3, 1.0))
def test_a_damaged_slide_is_planned_or_refused(
    kind: str,
    changes: list[tuple[int, int]],
    keep: float,
    sound: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data = bytearray(sound[kind])
    for place, value in changes:
        data[place] = value
    path: Path = tmp_path_factory.mktemp("damaged") / f"slide.{kind}"
    path.write_bytes(data[: int(len(data) * keep)] if keep < 0.9 else data)
    outcome = planned(path)
    assert isinstance(outcome, TilePlan) or outcome.reason


@pytest.mark.parametrize("broken", [b"\x28\x00\x08\x00\x49\x01", b"\x28\x00\x08\x00UL"])
def test_a_dicom_value_that_cannot_be_converted_refuses_the_slide(broken: bytes, tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "slide.dcm")
    data, frames = path.read_bytes(), b"\x28\x00\x08\x00IS"
    assert frames in data
    path.write_bytes(data.replace(frames, broken, 1))
    assert getattr(planned(path), "reason", "") == "unreadable_slide"


def planned(path: Path) -> TilePlan | SlideError:
    try:
        with open_slide(path) as reader:
            return plan(reader, PlanSpec(), sha256(b"slide"))
    except SlideError as refusal:
        return refusal
