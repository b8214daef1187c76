"""The case and slide of a feature file come from the table, its folder or its name, and are never guessed."""

import re
from pathlib import Path

import pytest

from services.standalone.features.feature_paths import FeaturePath, Item, feature_paths
from services.standalone.selection import Refused


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def named(items: list[Item]) -> list[tuple[str, str, float | None]]:
    """Case, slide and resolution of the files that are not refused."""
    return [(item.case_id, item.slide_id, item.mpp) for item in items if isinstance(item, FeaturePath)]


def sentences(items: list[Item]) -> dict[str, str]:
    """What is wrong, by the name of the file."""
    return {item.path.name: str(item.error) for item in items if isinstance(item, Refused)}


def test_a_folder_names_the_case_unless_a_tool_named_the_folder(tmp_path: Path) -> None:
    folder = touched(tmp_path, "MB-1/a.h5", "MB-2/b.h5", "features_uni_v1/c.h5", "d.h5", "MB-3/deep/e.h5", ".x/f.h5")
    items = feature_paths([folder], None, None)
    assert named(items) == [("MB-1", "a", None), ("MB-2", "b", None)]
    assert set(sentences(items)) == {"c.h5", "d.h5", "e.h5"}
    assert "nothing says which case it is of" in sentences(items)["d.h5"]


def test_a_folder_is_named_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touched(tmp_path, "features/MB-1/a.h5", ".cache/MB-2/b.h5", "here/c.h5")
    monkeypatch.chdir(tmp_path / "here")
    items = feature_paths([Path("../features"), tmp_path / ".cache"], None, None)
    assert named(items) == [("MB-1", "a", None), ("MB-2", "b", None)]


def test_an_expression_takes_the_case_from_the_name(tmp_path: Path) -> None:
    folder = touched(tmp_path, "TCGA-02-0001-01Z-00-DX1.h5", "TCGA-02-0001-01Z-00-DX2.h5", "other.h5")
    items = feature_paths([folder], None, re.compile(r"^(TCGA-..-....)-"))
    assert {case for case, _, _ in named(items)} == {"TCGA-02-0001"}
    assert len(named(items)) == 2
    assert "--case-from does not match its name" in sentences(items)["other.h5"]


def test_a_table_names_files_by_their_own_path_or_by_the_slide(tmp_path: Path) -> None:
    folder = touched(tmp_path, "h5/a.h5", "h5/b.ome.h5", "h5/c.h5", "h5/d.h5", "more/e.h5")
    table = tmp_path / "slides.csv"
    rows = ("MB-1,h5/a.h5,,0.25", "MB-2,slides/b.ome.tif,two,", "MB-3,d.svs,,", "MB-4,d.ndpi,,", "MB-5,gone.svs,,")
    table.write_text("\n".join(["case_id,path,slide_id,mpp", *rows, "MB-6,more/e.h5,,", "not one,h5/f.h5,,"]))
    items = feature_paths([folder / "h5"], table, None)
    assert named(items) == [("MB-1", "a", 0.25), ("MB-2", "two", None), ("MB-6", "e", None)]
    refused = sentences(items)
    assert refused["c.h5"] == f"{table} lacks it"
    assert refused["d.h5"] == f"lines 4, 5 of {table} are of it"
    assert "no feature file is named like it" in refused["gone.svs"]
    assert "no feature file is named like it" in refused["f.h5"]


def test_the_list_of_slides_of_trident_states_resolutions_where_an_expression_takes_the_cases(tmp_path: Path) -> None:
    folder = touched(tmp_path, "h5/MB-1_a.h5", "h5/MB-2_a.h5", "h5/other.h5")
    table = tmp_path / "wsis.csv"
    table.write_text("wsi,mpp\nMB-1_a.svs,0.25\nsub/MB-2_a.svs,0.5\nother.svs,0.25\n")
    items = feature_paths([folder / "h5"], table, re.compile("^(MB-.)_"))
    assert named(items) == [("MB-1", "MB-1_a.svs", 0.25), ("MB-2", "MB-2_a.svs", 0.5)]
    assert "line 4 of" in sentences(items)["wsis.csv"]
    (refused,) = feature_paths([folder / "h5"], table, None)
    assert isinstance(refused, Refused)
    assert "has no column case_id and is a list of TRIDENT, which names no cases" in str(refused.error)


def test_the_slide_table_of_stamp_is_read_as_it_is(tmp_path: Path) -> None:
    folder = touched(tmp_path, "h5/a.h5", "h5/b.h5")
    table = tmp_path / "slide.csv"
    table.write_text("PATIENT,FILENAME\nMB-1,a.h5\nMB-2,sub/b.h5\n")
    assert named(feature_paths([folder / "h5"], table, None)) == [("MB-1", "a", None), ("MB-2", "b", None)]


def test_a_file_given_twice_counts_once_and_two_files_of_one_slide_are_both_refused(tmp_path: Path) -> None:
    folder = touched(tmp_path, "MB-1/a.h5", "MB-1/a.hdf5")
    items = feature_paths([folder / "MB-1/a.h5", folder / "MB-1/a.h5", folder], None, re.compile("a()"))
    assert named(items) == []
    items = feature_paths([folder], None, None)
    assert named(items) == []
    assert all("would be" in sentence for sentence in sentences(items).values())
    (folder / "MB-1/a.hdf5").unlink()
    assert named(feature_paths([folder, folder], None, None)) == [("MB-1", "a", None)]


@pytest.mark.parametrize("name", ["gone.h5", "empty"])
def test_what_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (item,) = feature_paths([tmp_path / name], None, None)
    assert isinstance(item, Refused)
    assert item.error.reason == "not_found"
