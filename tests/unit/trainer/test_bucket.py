"""Cohorts of a bucket: which bags are copied, what is refused, and what is put back."""

from pathlib import Path

import pytest

from services.fusion_scorer.case_index import CaseIndex
from services.trainer.bucket.copies import KEPT, Copies, copies, keeps
from services.trainer.bucket.s3_uri import s3_uri
from services.trainer.cohort.embeddings import Embeddings, read_embeddings
from services.trainer.errors import BadEmbeddingsError, BadS3UriError
from shared.blob.memory import MemoryStore
from shared.model.bundle_files import verify
from shared.model.errors import BadBundleError, BadTargetError
from tests.support.cohorts import quiet
from tests.support.fusion import features, store_slide, write_bundle

BUCKET = Path("s3://medulla")
CASES = ("MB-1", "MB-2")


@pytest.fixture
def store() -> MemoryStore:
    """A bucket with an embedded slide of each of two cases."""
    store = MemoryStore()
    for case in CASES:
        CaseIndex(store).put_slide(store_slide(store, case, "S.svs", features((1, 2), (3, 4))))
    return store


@pytest.fixture
def copied(store: MemoryStore, tmp_path: Path) -> Copies:
    """Copies of that bucket, in a folder of the test."""
    return Copies(tmp_path, lambda _name: store)


def bags(copied: Copies) -> Embeddings:
    """The bags of both cases."""
    return read_embeddings(copied.bags(BUCKET, CASES, quiet))


@pytest.mark.parametrize(
    ("text", "bucket", "key"),
    [("s3://b/a/cohort.csv", "b", "a/cohort.csv"), ("s3://b", "b", ""), ("s3://b/out/", "b", "out")],
)
def test_an_s3_uri_names_a_bucket_and_a_key(text: str, bucket: str, key: str) -> None:
    uri = s3_uri(Path(text))
    assert uri is not None
    assert (uri.bucket, uri.key) == (bucket, key)


def test_a_path_of_this_machine_is_no_s3_uri() -> None:
    assert s3_uri(Path("s3/cohort.csv")) is None
    with pytest.raises(BadS3UriError, match="names no bucket"):
        s3_uri(Path("s3://"))


def test_bags_of_embedded_slides_are_read_as_those_of_a_folder(copied: Copies) -> None:
    embeddings = bags(copied)
    assert embeddings.bag("MB-1").tolist() == [[1, 2], [3, 4]]
    assert embeddings.tiles("MB-2") == 2


def test_only_the_version_of_a_slide_that_stands_is_copied(store: MemoryStore, copied: Copies) -> None:
    CaseIndex(store).put_slide(store_slide(store, "MB-1", "S.svs", features((5, 6)), minutes=9, pixels=b"new"))
    assert bags(copied).bag("MB-1").tolist() == [[5, 6]]


def test_of_several_encoders_the_named_one_counts(store: MemoryStore, copied: Copies) -> None:
    event = store_slide(store, "MB-1", "S.svs", features((5, 6)), pixels=store.get("slides/MB-1/S.svs"))
    event.bag.encoder_digest, event.bag.encoder_name = "ab" * 32, "other"
    CaseIndex(store).put_slide(event)
    with pytest.raises(BadEmbeddingsError, match=r"other abababababab, toy-encoder .*s3://BUCKET/ENCODER"):
        bags(copied)
    named = [copied.bags(BUCKET / name, ["MB-1"], quiet) for name in ("other", "abab", "toy-encoder")]
    tiles = [(folder / "index.csv").read_text().splitlines()[1].split(",")[3] for folder in named]
    assert tiles == ["1", "1", "2"]
    with pytest.raises(BadEmbeddingsError, match="name one encoder"):
        copied.bags(BUCKET / "third", CASES, quiet)


def test_a_removed_slide_has_no_bag(store: MemoryStore, copied: Copies) -> None:
    store.delete("slides/MB-1/S.svs")
    assert list(bags(copied).by_case) == ["MB-2"]


def test_a_bag_that_was_altered_is_refused(store: MemoryStore, copied: Copies) -> None:
    key = next(info.key for info in store.list("embeddings/"))
    store.put(key, b"other bytes")
    with pytest.raises(BadEmbeddingsError, match="was altered in the bucket"):
        bags(copied)


def test_a_bag_that_is_gone_is_refused(store: MemoryStore, copied: Copies) -> None:
    store.erase("embeddings/")
    with pytest.raises(BadEmbeddingsError, match="is gone from the bucket"):
        bags(copied)


def test_cases_without_embedded_slides_are_refused(copied: Copies) -> None:
    with pytest.raises(BadEmbeddingsError, match="none of the 1 cases has an embedded slide"):
        copied.bags(BUCKET, ["MB-9"], quiet)


def test_a_folder_of_embeddings_in_a_bucket_is_copied_whole(store: MemoryStore, copied: Copies) -> None:
    local = copied.bags(BUCKET, CASES, quiet)
    for file in [file for file in local.rglob("*") if file.is_file()]:
        store.put(f"cohort/{file.relative_to(local).as_posix()}", file.read_bytes())
    again = read_embeddings(copied.bags(BUCKET / "cohort", CASES, quiet))
    assert again.bag("MB-2").tolist() == [[1, 2], [3, 4]]


def test_bags_that_are_kept_are_not_copied_again(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEPT, str(tmp_path / "kept"))
    with copies(lambda _name: store) as first:
        bags(first)
    store.erase("embeddings/")
    with copies(lambda _name: store) as second:
        assert bags(second).tiles("MB-1") == 2


def test_copies_are_removed_at_the_end(store: MemoryStore) -> None:
    with copies(lambda _name: store) as copied:
        folder = copied.bags(BUCKET, CASES, quiet)
        assert (folder / "index.csv").is_file()
    assert not folder.exists()


def test_a_table_that_is_not_there_is_refused(copied: Copies) -> None:
    with pytest.raises(BadS3UriError, match=r"no object s3://medulla/cohort\.csv"):
        copied.file(BUCKET / "cohort.csv")


def test_a_key_that_leads_out_of_the_folder_is_refused(store: MemoryStore, copied: Copies) -> None:
    store.put("cohort/index.csv", b"x")
    store.put("cohort/../../secret", b"x")
    with pytest.raises(BadS3UriError, match="leads out of the folder"):
        copied.bags(BUCKET / "cohort", CASES, quiet)


def test_a_report_is_put_into_the_bucket_when_the_work_is_done(store: MemoryStore, copied: Copies) -> None:
    with copied.output(BUCKET / "report") as folder:
        (folder / "figures").mkdir()
        (folder / "figures/a.svg").write_text("<svg/>")
        assert not list(store.list("report/"))
    assert store.get("report/figures/a.svg") == b"<svg/>"


def test_work_that_fails_puts_nothing_into_the_bucket(store: MemoryStore, copied: Copies) -> None:
    def fail() -> None:
        with copied.output(BUCKET / "report") as folder:
            (folder / "report.json").write_text("{}")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not list(store.list("report/"))


def test_tables_that_lie_beside_a_report_are_not_put_back(store: MemoryStore, copied: Copies) -> None:
    store.put("study/cohort.csv", b"older")
    copied.file(BUCKET / "study/cohort.csv")
    with copied.output(BUCKET / "study") as folder:
        (folder / "report.json").write_text("{}")
        store.put("study/cohort.csv", b"newer")
    assert store.get("study/cohort.csv") == b"newer"
    assert store.get("study/report.json") == b"{}"


def test_a_bundle_replaces_the_one_that_lies_there_whole(store: MemoryStore, copied: Copies, tmp_path: Path) -> None:
    for name in ("bundle.json", "trees.json", "signature"):
        store.put(f"bundles/first/{name}", b"older")
    with copied.bundle_output(BUCKET / "bundles/first") as folder:
        write_bundle(folder)
    store.put("bundles/first/", b"")
    digest = verify(copied.bundle(BUCKET / "bundles/first")).digest
    assert digest == verify(write_bundle(tmp_path / "local")).digest


def test_a_bundle_replaces_nothing_else(store: MemoryStore, copied: Copies) -> None:
    store.put("study/cohort.csv", b"x")
    with pytest.raises(BadTargetError, match="holds objects and is no bundle"), copied.bundle_output(BUCKET / "study"):
        pass
    with pytest.raises(BadBundleError, match=r"holds no bundle\.json"):
        copied.bundle(BUCKET)


def test_a_run_into_a_bucket_goes_on_only_where_copies_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (keeps(Path("out")), keeps(BUCKET / "report")) == (True, False)
    monkeypatch.setenv(KEPT, "copies")
    assert keeps(BUCKET / "report")


def test_slides_of_the_cohort_alone_are_copied_and_read_once(store: MemoryStore, copied: Copies) -> None:
    for key in ("slides/MB-1/S.svs", "slides/MB-1/M/a.dcm", "slides/MB-3/S.svs"):
        store.put(key, key.encode())
    folder = copied.slides(BUCKET, ["MB-1", "MB-4"], quiet)
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert set(files) == {"slides/MB-1/S.svs", "slides/MB-1/M/a.dcm"}
    assert files["slides/MB-1/M/a.dcm"].read_bytes() == b"slides/MB-1/M/a.dcm"
    store.put("slides/MB-1/S.svs", b"SLIDES/MB-1/S.SVS")
    copied.slides(BUCKET, ["MB-1"], quiet)
    assert files["slides/MB-1/S.svs"].read_bytes() == b"slides/MB-1/S.svs"
    with pytest.raises(BadEmbeddingsError, match="none of the 1 cases has a slide"):
        copied.slides(BUCKET, ["MB-4"], quiet)


def test_an_encoder_is_put_into_the_bucket_and_replaces_nothing(store: MemoryStore, copied: Copies) -> None:
    with copied.encoder_output(BUCKET / "encoders/new") as folder:
        (folder / "manifest.json").write_bytes(b"{}")
    assert store.get("encoders/new/manifest.json") == b"{}"
    with pytest.raises(BadS3UriError, match="replaces none"), copied.encoder_output(BUCKET / "encoders/new"):
        pass


def test_a_folder_of_a_bucket_is_copied_whole_and_an_empty_one_is_refused(store: MemoryStore, copied: Copies) -> None:
    store.put("tiles/pink/P__1.png", b"pixels")
    assert (copied.folder(BUCKET / "tiles") / "pink/P__1.png").read_bytes() == b"pixels"
    with pytest.raises(BadS3UriError, match="no objects below s3://medulla/nothing"):
        copied.folder(BUCKET / "nothing")
