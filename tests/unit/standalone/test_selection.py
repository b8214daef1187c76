"""Files, flat and nested folders, lists and tables: every slide once, every unsuitable argument by name."""

import os
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from services.standalone.errors import BadSlideTableError
from services.standalone.local_slides import SlideFile
from services.standalone.selection import Item, Refused, parted, select
from services.standalone.slides_table import TableRow, read_table
from shared.errors import MedullaError

NAMES = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=6)


def put(path: Path, content: bytes = b"bytes") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def cases(items: list[Item]) -> list[tuple[str, str]]:
    slides, refused = parted(items)
    assert not refused
    return [(slide.case_id, slide.path.name) for slide in slides]


def only_refusal(items: list[Item]) -> str:
    (refused,) = (item for item in items if isinstance(item, Refused))
    return str(refused.error)


def test_slides_directly_in_a_folder_are_each_a_case(tmp_path: Path) -> None:
    for name in ("a.svs", "b.tif"):
        put(tmp_path / name)
    assert cases(select([tmp_path])) == [("a", "a.svs"), ("b", "b.tif")]
    assert cases(select([tmp_path], case_id="MB-7")) == [("MB-7", "a.svs"), ("MB-7", "b.tif")]


@pytest.mark.parametrize("above", ["", "slides"])
def test_a_subfolder_is_a_case(tmp_path: Path, above: str) -> None:
    for name in ("A/one.svs", "B/one.svs", "B/deep/two.svs"):
        put(tmp_path / above / name)
    assert cases(select([tmp_path])) == [("A", "one.svs"), ("B", "two.svs"), ("B", "one.svs")]


def test_loose_slides_stand_beside_cases(tmp_path: Path) -> None:
    put(tmp_path / "loose.svs")
    put(tmp_path / "A/one.svs")
    assert cases(select([tmp_path])) == [("loose", "loose.svs"), ("A", "one.svs")]


def test_arguments_and_table_are_taken_together(tmp_path: Path) -> None:
    flat, single = put(tmp_path / "flat/a.svs").parent, put(tmp_path / "x.svs")
    put(tmp_path / "far/away.svs")
    table = put(tmp_path / "t/slides.csv", b"case_id,path,mpp\nMB-1,../far/away.svs,0.25\n")
    assert cases(select([flat, single], table)) == [("a", "a.svs"), ("x", "x.svs"), ("MB-1", "away.svs")]
    (listed,) = (item for item in select([], table) if isinstance(item, SlideFile))
    assert listed.mpp == 0.25


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffcase_id;path;mpp\r\nMB-1;s.svs;0,25\r\n".encode(),
        b"path\tcase_id\tmpp\ns.svs\tMB-1\t0.25\n",
        b'mpp,case_id,path\n0.25,"MB-1", s.svs \n\n',
        "case_id\tpath\tmpp\r\nMB-1\ts.svs\t0.25\r\n".encode("utf-16"),
    ],
)
def test_tables_as_spreadsheets_write_them_are_read(tmp_path: Path, text: bytes) -> None:
    (row,) = read_table(put(tmp_path / "slides.csv", text))
    assert not isinstance(row, MedullaError)
    assert (row.case_id, row.path, row.mpp) == ("MB-1", tmp_path / "s.svs", 0.25)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"case,path\nA,s.svs\n", ("no column case_id", 'unknown column "case"')),
        (b"", ("is empty",)),
        (b"case_id,path\n", ("no row",)),
        (b"case_id,path\n,s.svs\n", ("line 2", "has no case_id")),
        (b"case_id,path\nA,s.svs,more\n", ("line 2", "more cells")),
        (b"case_id,path,mpp\nA,s.svs,coarse\n", ("line 2", '"coarse"')),
        (b"case_id,path\nA,gone.svs\n", ("no such file",)),
        (b"case_id,path\nA,sl\0de.svs\n", ("no table of text",)),
    ],
)
def test_what_is_wrong_with_a_table_is_said_by_name(tmp_path: Path, text: bytes, words: tuple[str, ...]) -> None:
    put(tmp_path / "s.svs")
    sentence = only_refusal(select([tmp_path / "s.svs"], put(tmp_path / "slides.csv", text)))
    assert all(word in sentence for word in words), sentence


def test_a_table_without_an_end_is_refused_by_its_size() -> None:
    with pytest.raises(BadSlideTableError, match="more than 200000000 bytes"):
        read_table(Path("/dev/zero"))


@pytest.mark.parametrize("also", [(), ("in",), ("in/slides/A/s.svs",)])
def test_two_resolutions_of_one_file_are_refused_by_name(tmp_path: Path, also: tuple[str, ...]) -> None:
    put(tmp_path / "in/slides/A/s.svs")
    rows = b"case_id,path,mpp\nA,in/slides/A/s.svs,0.5\nA,in/slides/A/../A/s.svs,0.25\n"
    slides, refused = parted(select([tmp_path / name for name in also], put(tmp_path / "slides.csv", rows)))
    assert not slides
    assert {str(item.error) for item in refused} == {
        "the table gives it the resolutions 0.25 and 0.5 um/px; leave the right one"
    }


@pytest.mark.parametrize("also", ["in", "in/slides/A/s.svs"])
def test_a_slide_that_is_given_twice_has_the_resolution_of_the_table(tmp_path: Path, also: str) -> None:
    put(tmp_path / "in/slides/A/s.svs")
    table = put(tmp_path / "slides.csv", b"case_id,path,mpp\nA,in/slides/A/s.svs,0.5\nB,in/slides/A/s.svs,0.25\n")
    slides, refused = parted(select([tmp_path / also], table))
    assert not refused
    assert [(slide.case_id, slide.mpp) for slide in slides] == [("A", 0.5), ("B", 0.25)]


def test_one_bad_row_does_not_silence_the_others(tmp_path: Path) -> None:
    put(tmp_path / "s.svs")
    table = put(tmp_path / "slides.csv", b"case_id,path\nA,gone.svs\nB,s.svs\nC\n")
    slides, refused = parted(select([], table))
    assert [slide.case_id for slide in slides] == ["B"]
    assert len(refused) == 2


def test_unsuitable_arguments_are_named_and_do_not_silence_the_others(tmp_path: Path) -> None:
    dangling, pipe = tmp_path / "dangling.svs", tmp_path / "pipe.svs"
    dangling.symlink_to(tmp_path / "moved.svs")
    os.mkfifo(pipe)
    good, empty = put(tmp_path / "in/good.svs").parent, tmp_path / "empty"
    empty.mkdir()
    slides, refused = parted(select([tmp_path / "gone", dangling, pipe, empty, good]))
    assert [slide.slide_id for slide in slides if "good" in slide.slide_id]
    sentences = [str(item.error) for item in refused]
    assert [
        words in sentence
        for words, sentence in zip(("no such", "moved.svs", "neither", "no slide"), sentences, strict=True)
    ]


def test_a_link_that_leads_nowhere_is_named_in_a_folder_too(tmp_path: Path) -> None:
    put(tmp_path / "A/one.svs")
    (tmp_path / "A/two.svs").symlink_to("gone.svs")
    slides, (refused,) = parted(select([tmp_path]))
    assert len(slides) == 1
    assert refused.path.name == "two.svs"
    assert "gone.svs" in str(refused.error)


def test_two_files_that_would_be_one_slide_are_both_refused_by_name(tmp_path: Path) -> None:
    first, second = put(tmp_path / "one/S.svs"), put(tmp_path / "other/S.svs", b"else")
    slides, refused = parted(select([first, second, put(tmp_path / "T.svs")]))
    assert [slide.path.name for slide in slides] == ["T.svs"]
    assert [item.path for item in refused] == [first, second]
    assert str(second) in str(refused[0].error)
    assert str(first) in str(refused[1].error)


def test_one_file_given_twice_counts_once(tmp_path: Path) -> None:
    slide = put(tmp_path / "in/S.svs")
    assert len(select([slide, slide.parent, slide.parent / ".." / "in" / "S.svs", slide])) == 1


def test_what_medulla_wrote_beside_the_slides_is_no_case(tmp_path: Path) -> None:
    slide = put(tmp_path / "a.svs")
    for folder in ("emb", "out/store"):
        put(tmp_path / folder / "plans/x/plan.json")
        (tmp_path / folder / "slides/a").mkdir(parents=True)
        (tmp_path / folder / "slides/a/a.svs").symlink_to(slide)
    assert cases(select([tmp_path])) == [("a", "a.svs")]


@given(names=st.sets(st.tuples(NAMES.filter(lambda case: case != "slides"), NAMES), min_size=1, max_size=8))
def test_no_slide_of_a_nested_folder_is_lost(
    tmp_path_factory: pytest.TempPathFactory, names: set[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("nested")
    for case, name in names:
        put(folder / case / f"{name}.svs")
    assert {(case, Path(name).stem) for case, name in cases(select([folder]))} == names


@given(data=st.binary(max_size=400) | st.text("case_id,path;\t\r\n\"'0.5", max_size=200).map(str.encode))
def test_whatever_a_table_holds_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    table = put(tmp_path_factory.mktemp("tables") / "slides.csv", data)
    assert select([], table) or data


def test_a_spreadsheet_of_slides_is_read_as_a_table(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for cells in (("case_id", "path", "mpp"), ("MB-7", "S.svs", 0.25)):
        sheet.append(cells)
    book.save(tmp_path / "slides.xlsx")
    (row,) = read_table(tmp_path / "slides.xlsx")
    assert row == TableRow(2, "MB-7", tmp_path / "S.svs", mpp=0.25)
