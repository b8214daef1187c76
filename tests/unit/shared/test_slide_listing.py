"""Which files of a case make which slide, whatever they are called and wherever they lie."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import pseudonyms
from shared.blob.folder import FolderStore
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo
from shared.errors import TransientError
from shared.slides.companions import companions
from shared.slides.listing import FoundSlide, SlideListing
from tests.support.dicom_series import SERIES, claiming, series, without_preamble
from tests.support.mirax import mirax

CASE = "slides/case-1/"
LEVELS = ("level0", "level1", "level2")
WHOLE = series()


def listed(files: Mapping[str, bytes]) -> list[FoundSlide]:
    store = MemoryStore()
    for name, data in files.items():
        store.put(CASE + name, data)
    return SlideListing(store).of_case(CASE)


def names(slide: FoundSlide) -> list[str]:
    return [info.key.removeprefix(CASE) for info in slide.files]


def test_slides_of_one_stem_are_two_and_their_annotation_is_none() -> None:
    slides = listed({"S.svs": b"one", "S.tif": b"two", "S.xml": b"<Annotations/>", "S.svs.part": b"on", "": b""})
    assert [slide.slide_id for slide in slides] == ["S.svs", "S.tif"]


def test_a_slide_in_a_folder_of_the_case_is_a_slide() -> None:
    first, second = listed({"S.svs": b"one", "block 2/S.svs": b"two"})
    assert {first.slide_id, second.slide_id} == {"S.svs", pseudonyms.slide_id("block 2/S.svs")}


folders = st.sampled_from(["", "a/", "a/b/", "Study 1/SERIES/"])
file_names = st.sampled_from(["IM{}", "{}.DCM", "{}.dcm", "1.2.840.{}", "slide {}.svs"])


@given(data=st.data())
def test_a_series_is_one_slide_whatever_its_files_are_called(data: st.DataObject) -> None:
    files = {}
    for number, (kind, stored) in enumerate(WHOLE.items()):
        name = data.draw(folders) + data.draw(file_names).format(number)
        files[name] = without_preamble(stored) if kind != "label" and data.draw(st.booleans()) else stored
    (slide,) = listed(files)
    assert slide.slide_id == SERIES
    assert (slide.is_series, slide.missing, slide.is_complete) == (True, "", True)
    assert [files[name] in _either(kind) for name, kind in zip(names(slide)[:1], ["level0"], strict=True)] == [True]
    assert len(slide.files) == len(LEVELS)
    assert len(slide.members) == len(WHOLE)


def _either(kind: str) -> tuple[bytes, bytes]:
    return WHOLE[kind], without_preamble(WHOLE[kind])


def test_several_series_in_one_folder_are_several_slides() -> None:
    other = {f"other-{kind}": data for kind, data in series("1.2.3", levels=2).items()}
    slides = listed({**WHOLE, **other, "S.svs": b"x"})
    assert sorted(slide.slide_id for slide in slides) == ["1.2.3", SERIES, "S.svs"]
    assert sorted(map(names, slides)) == [["S.svs"], list(LEVELS), ["other-level0", "other-level1"]]


@pytest.mark.parametrize("options", [{"parts": 3}, {"sparse": True}, {"levels": 1}])
def test_concatenated_sparse_and_single_levels_are_whole(options: dict[str, int]) -> None:
    (slide,) = listed(series(**options))
    assert slide.missing == ""


def test_a_copy_of_an_instance_counts_once() -> None:
    (slide,) = listed({**WHOLE, "copy of level1": WHOLE["level1"]})
    assert len(slide.files) == len(LEVELS)


@pytest.mark.parametrize(
    ("missing", "options", "sentence"),
    [
        ({"level0"}, {}, "lacks its base level"),
        ({"level0.2"}, {"parts": 3}, "the base level of the DICOM series lacks part 2 of 3"),
        ({"level0.1", "level0.3"}, {"parts": 3}, "lacks part 1, 3 of 3"),
        (set(LEVELS), {}, "has no image of the slide itself"),
    ],
)
def test_a_series_without_its_base_level_says_what_is_missing(
    missing: set[str], options: dict[str, int], sentence: str
) -> None:
    (slide,) = listed({kind: data for kind, data in series(**options).items() if kind not in missing})
    assert sentence in slide.missing
    assert not slide.is_complete


@pytest.mark.parametrize(
    ("missing", "is_complete"), [({"level0"}, False), ({"label", "overview"}, True), ({"level1"}, True)]
)
def test_a_base_level_is_missed_where_no_level_says_that_it_is_a_copy(missing: set[str], is_complete: bool) -> None:
    (slide,) = listed({kind: data for kind, data in series("1.7", unmarked=True).items() if kind not in missing})
    assert slide.is_complete == is_complete
    assert ("lacks its base level" in slide.missing) != is_complete


def test_a_smaller_level_that_belongs_to_another_slide_is_left_out() -> None:
    other_frame = series("1.9", levels=2)["level1"].replace(b"1.9.5\0", b"1.9.6\0")
    (slide,) = listed({**series("1.9", levels=1), "stranger": other_frame})
    assert slide.is_complete
    assert "640 x 1152 px lies in another frame of reference" in slide.missing
    assert names(slide) == ["level0"]


def _of_another_slide(data: bytes) -> bytes:
    """An image as another instance in another frame of reference."""
    return data.replace(b"1.9.1\0", b"1.9.7\0").replace(b"1.9.5\0", b"1.9.6\0")


@pytest.mark.parametrize("frames_px", [None, (1, 256)])
def test_two_slides_under_one_series_uid_are_refused_together(frames_px: tuple[int, int] | None) -> None:
    whole = series("1.9")
    other = claiming(whole["level0"], *frames_px) if frames_px else whole["level0"]
    (slide,) = listed({**whole, "other": _of_another_slide(other)})
    assert not slide.is_complete
    assert "mixes 2 slides" in slide.missing
    assert "SeriesInstanceUID of its own" in slide.missing


def test_a_second_region_of_a_slide_in_one_series_is_refused_and_not_left_out_in_silence() -> None:
    whole = series("1.9")
    region = claiming(whole["level0"], 1, 256).replace(b"1.9.1\0", b"1.9.7\0")
    (slide,) = listed({**whole, "region": region})
    assert not slide.is_complete
    assert "none a copy of another" in slide.missing
    assert "256 x 256 px" in slide.missing


def test_a_version_of_a_series_changes_with_each_of_its_levels() -> None:
    versions = [listed({kind: WHOLE[kind] for kind in LEVELS[:count]})[0].version for count in (1, 2, 3)]
    assert len(set(versions)) == 3
    assert listed(WHOLE)[0].version == versions[2]


def test_a_mirax_slide_is_its_named_files() -> None:
    first, second = listed({**mirax("A"), "S.svs": b"x"})
    assert names(first) == ["A.mrxs", "A/Data0000.dat", "A/Data0001.dat", "A/Index.dat", "A/Slidedat.ini"]
    assert (first.slide_id, first.missing, second.slide_id) == ("A.mrxs", "", "S.svs")


@pytest.mark.parametrize("missing", ["A/Slidedat.ini", "A/Index.dat", "A/Data0001.dat"])
def test_a_mirax_slide_says_which_file_it_lacks(missing: str) -> None:
    (slide,) = listed({name: data for name, data in mirax("A").items() if name != missing})
    assert missing in slide.missing
    assert not slide.is_complete


def test_a_hamamatsu_slide_is_its_listed_files() -> None:
    index = b"[Virtual Microscope Specimen]\r\nImageFile=a.jpg\r\nImageFile(1,0)=b.jpg\r\nMapFile=m.jpg\r\n"
    files = {"V.vms": index + b"OptimisationFile=V.opt\r\n", "a.jpg": b"a", "b.jpg": b"b", "m.jpg": b"m", "x.jpg": b"x"}
    (slide,) = listed(files)
    assert names(slide) == ["V.vms", "a.jpg", "b.jpg", "m.jpg"]
    assert slide.missing == ""


@given(index=st.binary(max_size=300), slide=st.sampled_from(["A.mrxs", "A.vms", "A.vmu", "A"]))
def test_any_index_and_any_header_gives_a_slide(index: bytes, slide: str) -> None:
    head = bytes(128) + b"DICM" if slide == "A" else b""
    (listing,) = listed({slide: head + index, "A/Slidedat.ini": index})
    assert listing.slide_id == slide


@given(cut=st.integers(0, 3000), at=st.integers(0, 3000), byte=st.integers(0, 255))
def test_a_damaged_header_loses_no_file(cut: int, at: int, byte: int) -> None:
    data = bytearray(WHOLE["level0"][: len(WHOLE["level0"]) - cut])
    data[at] = byte
    assert len(listed({"IM1": bytes(data)})) <= 1
    assert len(listed({"IM1": bytes(data[:cut])})) <= 1


def test_headers_are_read_once_a_version_and_pixels_never() -> None:
    class Counting(MemoryStore):
        read = 0

        def get_range(self, info: BlobInfo, start: int, end: int) -> bytes:
            self.read += end - start
            return super().get_range(info, start, end)

    store = Counting()
    for name, data in WHOLE.items():
        store.put(CASE + name, data)
    listing = SlideListing(store)
    listing.of_case(CASE)
    read = store.read
    assert read < 5 * 17_000
    listing.of_case(CASE)
    assert store.read == read


def test_a_file_that_changes_while_it_is_looked_at_is_looked_at_again() -> None:
    class Changing(MemoryStore):
        def get_range(self, info: BlobInfo, start: int, end: int) -> bytes:
            self.put(info.key, b"another")
            return super().get_range(info, start, end)

    store = Changing()
    store.put(CASE + "S.svs", b"one")
    with pytest.raises(TransientError):
        SlideListing(store).of_case(CASE)


def test_a_folder_on_disk_is_read_by_the_same_rules(tmp_path: Path) -> None:
    for name, data in {**WHOLE, **mirax("A"), "S.svs": b"x", "S.xml": b"<a/>"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    store = FolderStore(tmp_path)
    slides = SlideListing(store).slides(store.list(""), "")
    assert sorted(slide.slide_id for slide in slides) == [SERIES, "A.mrxs", "S.svs"]


sections = ["[DATAFILE]\n", "[HIERARCHICAL]\n", "[", "]", ";", "\n", " "]
words = st.sampled_from([*sections, "=", "..", "/", "\\", "FILE_0=", "INDEXFILE=", "ImageFile=", "x"])


@given(index=st.lists(words, max_size=40).map("".join), name=st.sampled_from(["A.mrxs", "A.vms"]))
def test_an_index_with_any_lines_names_files_beside_it_alone(index: str, name: str) -> None:
    for file, _ in companions(name, lambda _: index):
        assert ".." not in file.split("/")
        assert not file.startswith("/")
