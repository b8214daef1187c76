"""Ids of slides: different files are different slides, whatever they are called."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared import file_names, keys, pseudonyms
from shared.keys import BadCaseIdError, SlideKey
from shared.units import CaseId, SlideId

names = st.text(min_size=1, max_size=90) | st.from_regex(
    r"[A-Za-z0-9._ -]{1,70}(-[0-9a-f]{24})?(\.svs)?", fullmatch=True
)
uids = st.from_regex(r"[0-9]+(\.[0-9]+){0,20}", fullmatch=True)


@given(first=names, second=names)
@example(first="a b.svs", second="a-b.svs")
@example(first="S.svs", second="S.tif")
@example(first="a/S.svs", second="a-S.svs")
@example(first="Müller.svs", second="Möller.svs")
@example(first="x" * 70 + "1.svs", second="x" * 70 + "2.svs")
@example(first="\ud800.svs", second="\ud801.svs")
def test_different_names_give_different_ids_that_are_pseudonyms(first: str, second: str) -> None:
    ids = pseudonyms.slide_id(first), pseudonyms.slide_id(second)
    assert (ids[0] == ids[1]) == (first == second)
    assert all(map(pseudonyms.is_pseudonym, ids))
    cases = pseudonyms.case_named(first), pseudonyms.case_named(second)
    assert (cases[0] == cases[1]) == (first == second)
    assert all(map(pseudonyms.is_pseudonym, cases))


@given(name=names)
def test_an_id_that_was_made_of_a_name_is_no_files_own_id(name: str) -> None:
    slide = pseudonyms.slide_id(name)
    assert (slide == name) != pseudonyms.is_derived(slide)
    if slide != name:
        assert pseudonyms.slide_id(slide) != slide


@given(name=names, uid=uids | st.text(min_size=1, max_size=70))
def test_a_series_is_never_taken_for_a_file(name: str, uid: str) -> None:
    assert pseudonyms.is_pseudonym(pseudonyms.series_id(uid))
    assert pseudonyms.is_series(pseudonyms.series_id(uid))
    assert pseudonyms.slide_id(name) != pseudonyms.series_id(uid)
    assert not pseudonyms.is_series(pseudonyms.slide_id(name))


@pytest.mark.parametrize(
    ("key", "slide_id"),
    [
        ("slides/case-1/S.svs", "S.svs"),
        ("slides/case-1/S.tif", "S.tif"),
        ("slides/case-1/S", "S"),
        ("slides/case-1/a b.svs", "a-b-9afe3647a00404fd33152c20.svs"),
        ("slides/case-1/block 2/S.svs", pseudonyms.slide_id("block 2/S.svs")),
    ],
)
def test_a_key_gives_the_slide_that_its_name_gives(key: str, slide_id: str) -> None:
    assert keys.slide_key(key) == SlideKey(CaseId("case-1"), SlideId(slide_id))
    assert keys.can_be(SlideId(slide_id), key)


def test_an_id_that_older_programs_made_is_not_that_of_its_key() -> None:
    assert not keys.can_be(SlideId("S"), "slides/case-1/S.svs")
    assert keys.can_be(pseudonyms.series_id("1.2.3"), "slides/case-1/deep/IM0001")


@pytest.mark.parametrize(
    "name",
    [
        "S.svs.part",
        "S.svs.tmp",
        "S.svs.crdownload",
        "S.svs.filepart",
        "S.svs~",
        ".S.svs.Xy12",
        "sub/.hidden/S.svs",
        "S.xml",
        "S.geojson",
        "S.qpdata",
        "Slidedat.ini",
        "S/Data0001.dat",
        "Thumbs.db",
        ".DS_Store",
        "DICOMDIR",
        "AUTORUN.INF",
        "Viewer/viewer.exe",
        "S_thumbnail.JPG",
        "S.svs.md5",
        "",
        "folder/",
    ],
)
def test_what_is_no_slide_by_its_name_is_passed_over_and_rejects_no_case(name: str) -> None:
    assert file_names.is_no_slide(name)
    assert keys.slide_key(f"slides/case-1/{name}") is None
    assert keys.slide_key(f"slides/no pseudonym/{name}") is None


@pytest.mark.parametrize(
    "name", ["S.svs", "S.tif", "S.ome.tiff", "IM0001", "1.2.840.113.dcm", "S.DCM", "S.mrxs", "S.part.svs"]
)
def test_what_may_be_a_slide_is_not_passed_over(name: str) -> None:
    assert not file_names.is_no_slide(name)


@pytest.mark.parametrize("key", ["slides/loose.svs", "slides/a b/S.svs", "slides//S.svs"])
def test_a_slide_without_a_case_is_refused(key: str) -> None:
    with pytest.raises(BadCaseIdError):
        keys.slide_key(key)
