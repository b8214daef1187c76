"""Bags on disk: what is read, and what is refused."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest

from services.trainer.cohort.embeddings import read_embeddings
from services.trainer.errors import BadEmbeddingsError
from tests.support.cohorts import write_bags

RNG = np.random.default_rng(1)


def bag(tiles: int, width: int = 4) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return RNG.normal(size=(tiles, width))


def test_bags_of_no_one_and_a_hundred_thousand_tiles_are_read(tmp_path: Path) -> None:
    embeddings = read_embeddings(write_bags(tmp_path, {"none": bag(0), "one": bag(1), "many": bag(100_000)}))
    assert embeddings.has(["none", "one", "many", "stranger"]).tolist() == [False, True, True, False]
    assert embeddings.bag("none").shape == (0, 4)
    assert embeddings.bag("one").shape == (1, 4)
    assert embeddings.bag("many", 4096).shape == (4096, 4)
    assert embeddings.bag("stranger").shape == (0, 4)


def test_a_large_bag_is_thinned_evenly(tmp_path: Path) -> None:
    features = np.arange(100)[:, None] * np.ones(4)
    embeddings = read_embeddings(write_bags(tmp_path, {"a": features}))
    assert embeddings.bag("a", 5)[:, 0].tolist() == [0, 24, 49, 74, 99]


def test_features_that_are_no_numbers_are_refused_with_case_and_bag(tmp_path: Path) -> None:
    features = bag(5)
    features[3, 2] = np.nan
    embeddings = read_embeddings(write_bags(tmp_path, {"a": features}))
    with pytest.raises(BadEmbeddingsError, match="case a holds features that are no finite numbers"):
        embeddings.bag("a")


def test_bags_of_two_encoders_are_refused(tmp_path: Path) -> None:
    write_bags(tmp_path, {"a": bag(3)})
    index = (tmp_path / "index.csv").read_text()
    write_bags(tmp_path, {"b": bag(3)}, encoder="another")
    (tmp_path / "index.csv").write_text(index + (tmp_path / "index.csv").read_text().splitlines()[1] + "\n")
    with pytest.raises(BadEmbeddingsError, match="several encoders"):
        read_embeddings(tmp_path)


def test_bags_of_an_encoder_with_random_weights_are_refused(tmp_path: Path) -> None:
    write_bags(tmp_path, {"a": bag(3)}, encoder="uni-random7")
    with pytest.raises(BadEmbeddingsError, match="embedded by uni-random7, whose weights are random"):
        read_embeddings(tmp_path)


@pytest.mark.parametrize("keep", [0, 4, 60, -1])
def test_a_bag_that_is_cut_short_is_refused(tmp_path: Path, keep: int) -> None:
    write_bags(tmp_path, {"a": bag(5)})
    path = tmp_path / "a.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BadEmbeddingsError):
        read_embeddings(tmp_path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"\x00\xff\xfe", "line 1 holds a zero byte"),
        (b"case_id,slide_id,slide_digest,tiles,path\n", "no bags"),
        (b"case_id,slide_id,tiles,path\na,a,5,a.safetensors\n", "lacks the column slide_digest"),
        (b"case_id;slide_id;slide_digest;tiles;path\n", "no bags"),
        (b"case_id,slide_id,slide_digest,tiles,path\na,a\n", "row 2 has another number of cells"),
        (b"case_id,slide_id,slide_digest,tiles,path\na,a,d,5,nowhere\n", "case a cannot be read: No such file"),
        (b"case_id,slide_id,slide_digest,tiles,path\na,a,d,5,.\n", "case a cannot be read: Is a directory"),
        (b"case_id,slide_id,slide_digest,tiles,path\na,a,d,5,index.csv\n", "is no bag of features"),
    ],
)
def test_an_index_that_leads_nowhere_is_refused_in_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "index.csv").write_bytes(content)
    with pytest.raises(BadEmbeddingsError) as refused:
        read_embeddings(tmp_path)
    assert sentence in str(refused.value)


def test_a_slide_that_is_listed_twice_counts_once(tmp_path: Path) -> None:
    write_bags(tmp_path, {"a": bag(3)})
    index = (tmp_path / "index.csv").read_text()
    (tmp_path / "index.csv").write_text(index + index.splitlines()[1] + "\n")
    assert read_embeddings(tmp_path).tiles("a") == 3


def test_a_missing_index_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadEmbeddingsError, match=r"index\.csv cannot be read"):
        read_embeddings(tmp_path)


def test_other_features_of_the_same_slides_are_other_embeddings(tmp_path: Path) -> None:
    features = bag(3)
    one = read_embeddings(write_bags(tmp_path / "one", {"a": features}))
    same = read_embeddings(write_bags(tmp_path / "same", {"a": features}))
    other = read_embeddings(write_bags(tmp_path / "other", {"a": features + 0.1}))
    assert one.digest == same.digest
    assert one.digest != other.digest


def test_another_plan_gives_other_embeddings(tmp_path: Path) -> None:
    embeddings = read_embeddings(write_bags(tmp_path, {"a": bag(3)}))
    (only,) = embeddings.by_case["a"]
    replanned = replace(embeddings, by_case={"a": (replace(only, plan_digest="another"),)})
    assert embeddings.digest != replanned.digest


def test_a_bag_is_read_once_for_its_digests_also_by_other_processes(tmp_path: Path) -> None:
    embeddings = read_embeddings(write_bags(tmp_path, {"a": bag(3)}))
    digest = embeddings.digest
    (tmp_path / "a.safetensors").unlink()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
        assert other.submit(attrgetter("digest"), embeddings).result() == digest
