"""Slides whose suffixes are in upper case are the same slides everywhere: bucket, folder, command line, table."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from services.standalone.local_slides import SlideFile
from services.standalone.selection import select
from services.tiler.in_place import SlidesInPlace, at_hand
from shared.blob.folder import FolderStore
from shared.slides.listing import FoundSlide, SlideListing
from tests.support.mirax import mirax
from tests.support.slides import cc0_bytes, write_dicom
from tests.support.tiling import tiling

CASE = "slides/C-1/"
NAMES = ["A.MRXS", "D.DCM", "N.NDPI", "S.SVS", "T.TIFF"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / CASE
    for name, data in mirax("A").items():
        path = folder / (name.replace(".mrxs", ".MRXS"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    write_dicom(folder / "D.DCM")
    for name in NAMES[2:]:
        (folder / name).write_bytes(cc0_bytes() + name.encode())
    return tmp_path


def _in_bucket(root: Path) -> list[FoundSlide]:
    return SlideListing(FolderStore(root)).of_case(CASE)


def _ids(paths: Sequence[Path], table: Path | None = None) -> dict[str, int]:
    """Files of each slide by its id."""
    items = select(paths, table)
    assert all(isinstance(item, SlideFile) for item in items), items
    return {str(slide.slide_id): len(slide.files) for slide in items if isinstance(slide, SlideFile)}


def test_bucket_folder_command_line_and_table_find_the_same_slides(root: Path) -> None:
    expected = {str(slide.slide_id): len(slide.files) for slide in _in_bucket(root)}
    assert len(expected) == len(NAMES)
    assert expected["A.MRXS"] == len(mirax("A")) - 1
    table = root / "slides.csv"
    table.write_text("\n".join(["case_id,path", *(f"C-1,{CASE}{name}" for name in NAMES)]))
    assert _ids([root]) == expected
    assert _ids([root / CASE / name for name in NAMES]) == expected
    assert _ids([], table) == expected


@pytest.mark.parametrize("slide_id", ["B", "B.svs", "B.SVS"])
def test_a_tables_slide_id_gets_the_suffix_unless_it_has_it_in_any_case(slide_id: str, root: Path) -> None:
    table = root / "slides.csv"
    table.write_text(f"case_id,path,slide_id\nC-1,{CASE}S.SVS,{slide_id}\n")
    assert list(_ids([], table)) == ["B.SVS" if slide_id == "B" else slide_id]


def test_openslide_is_given_a_mirax_slide_under_the_one_suffix_that_it_reads(root: Path) -> None:
    files = next(slide.files for slide in _in_bucket(root) if slide.slide_id == "A.MRXS")
    with SlidesInPlace(root).hold(files) as local:
        _check_layout(local.path)
    with at_hand([root / CASE / "A.MRXS"]) as path:
        _check_layout(path)
    with tiling(root / "scratch", store=FolderStore(root)) as tiler, tiler.scratch.hold(files) as local:
        _check_layout(local.path)


def _check_layout(path: Path) -> None:
    assert path.name == "A.mrxs"
    assert path.read_bytes() == mirax("A")["A.mrxs"]
    assert (path.with_suffix("") / "Slidedat.ini").read_bytes() == mirax("A")["A/Slidedat.ini"]
