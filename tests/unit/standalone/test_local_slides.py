"""Slides on this machine: the same slides, ids and digests as in the bucket."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from services.standalone.local_slides import SlideFile, slide_at, slides_among
from services.standalone.workspace import open_workspace
from services.tiler.errors import IncompleteSeriesError, NotASlideError, UnreadableSlideError
from services.tiler.readers import open_slide
from shared import keys, pseudonyms
from shared.keys import BadCaseIdError
from shared.units import SlideId
from tests.support.dicom_series import SERIES, series
from tests.support.mirax import mirax
from tests.support.slides import cc0_bytes
from tests.support.tiling import tiling

WHOLE = series()


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def slides_below(folder: Path, case_id: str | None = None) -> list[SlideFile]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return slides_among(folder, [path.relative_to(folder).as_posix() for path in files], case_id)


def names(slide: SlideFile) -> list[str]:
    return [path.name for path in slide.files]


def test_a_flat_folder_holds_its_slides_each_a_case_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, {"S.svs": b"1", "T 1.tif": b"2", "S.xml": b"<a/>", "U.svs.part": b"3", **WHOLE})
    slides = {slide.slide_id: slide for slide in slides_below(tmp_path)}
    assert set(slides) == {"S.svs", pseudonyms.slide_id("T 1.tif"), SERIES}
    assert {slide.case_id for slide in slides.values()} == {"S", pseudonyms.case_named("T 1"), SERIES}
    assert names(slides[SERIES]) == ["level0", "level1", "level2"]


def test_any_file_of_a_slide_names_the_whole_slide(tmp_path: Path) -> None:
    write(tmp_path, {**WHOLE, **mirax("A")})
    assert {slide_at(tmp_path / kind).path for kind in WHOLE} == {tmp_path / "level0"}
    assert names(slide_at(tmp_path / "A.mrxs", "case-1"))[0] == "A.mrxs"
    assert len(slide_at(tmp_path / "A.mrxs").others) == 4


def test_a_file_that_somebody_names_is_looked_at_whatever_it_is_called(tmp_path: Path) -> None:
    write(tmp_path, {"photo.png": b"x", "S.svs": b"y"})
    assert slide_at(tmp_path / "photo.png").slide_id == "photo.png"
    assert [slide.slide_id for slide in slides_among(tmp_path, ["photo.png", "S.svs"])] == ["S.svs"]
    assert slides_among(tmp_path, []) == []
    with pytest.raises(NotASlideError, match="is no file"):
        slide_at(tmp_path / "absent.svs").check()


def test_a_slide_says_which_files_it_lacks(tmp_path: Path) -> None:
    write(tmp_path, {"level1": WHOLE["level1"], "A.mrxs": b"x"})
    with pytest.raises(IncompleteSeriesError, match="lacks its base level"):
        slide_at(tmp_path / "level1").check()
    with pytest.raises(UnreadableSlideError, match=r"A/Slidedat\.ini"):
        slide_at(tmp_path / "A.mrxs").check()


def test_a_series_has_the_digest_that_it_has_in_the_bucket_and_opens_with_all_levels(tmp_path: Path) -> None:
    write(tmp_path / "here", {f"{number}/IM": data for number, data in enumerate(WHOLE.values())})
    (slide,) = slides_below(tmp_path / "here", "case-1")
    with slide.at_hand() as path, open_slide(path) as reader:
        assert len(reader.describe().levels) == 3
    with tiling(tmp_path) as tiler:
        for kind, data in WHOLE.items():
            tiler.land(f"slides/case-1/{kind}", data)
        (event,) = tiler.hint("slides/case-1/level2")
    assert (event.slide.slide_id, event.slide.digest) == (slide.slide_id, slide.digest)


def test_links_in_a_workspace_are_the_same_slides_again(tmp_path: Path) -> None:
    write(tmp_path / "here", {"S 1.svs": cc0_bytes(), "sub/S.svs": b"2", **WHOLE, **mirax("A")})
    workspace, slides = open_workspace(tmp_path / "store"), slides_below(tmp_path / "here", "case-1")
    for slide in slides:
        for _ in range(2):
            files = workspace.link(slide)
        assert all(keys.can_be(SlideId(slide.slide_id), info.key) for info in files[:1])
    linked = slides_below(tmp_path / "store/slides/case-1", "case-1")
    assert {(slide.slide_id, slide.digest) for slide in linked} == {(slide.slide_id, slide.digest) for slide in slides}


def test_a_case_that_is_no_pseudonym_is_not_linked(tmp_path: Path) -> None:
    write(tmp_path, {"S.svs": b"1"})
    with pytest.raises(BadCaseIdError):
        open_workspace(tmp_path / "store").link(slide_at(tmp_path / "S.svs", "no pseudonym"))


def test_links_to_slides_are_followed(tmp_path: Path) -> None:
    write(tmp_path / "there", WHOLE)
    (tmp_path / "here").mkdir()
    for kind in WHOLE:
        (tmp_path / "here" / f"{kind}.dcm").symlink_to(tmp_path / "there" / kind)
    (slide,) = slides_below(tmp_path / "here")
    assert slide.slide_id == SERIES
