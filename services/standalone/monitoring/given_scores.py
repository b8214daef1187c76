"""Scores as they were given: files of `medulla score`, a folder of `medulla up`, a bucket, or the running system."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from google.protobuf.json_format import Parse, ParseError
from medulla.v1.scorer_pb2 import Score

from services.results.settings import ResultsSettings
from services.results.sql_store import SqlStore
from services.standalone.errors import BadScoreFileError, NoRunningSystemError, NothingToMonitorError
from services.standalone.exported_case import read_score
from services.standalone.laptop_results import DATABASE, database_url
from services.trainer.bucket.copies import StoreOf, bucket_store
from services.trainer.bucket.s3_uri import s3_uri
from shared import keys
from shared.blob.folder import FolderStore
from shared.blob.port import BlobStore, read_if_there
from shared.json_objects import JsonObjectError, read_object
from shared.pseudonyms import is_pseudonym
from shared.settings import BadSettingsError, PlatformSettings, load


@dataclass(frozen=True, slots=True)
class GivenScore:
    """A score with the day on which it was given, and the site of its case."""

    score: Score
    given_on: date | None
    site: str = ""


def given_scores(places: Sequence[Path], store_of: StoreOf = bucket_store) -> Iterator[GivenScore]:
    """Scores of files, folders and buckets; of the running system where none is named.

    Raises:
        BadScoreFileError: a file holds no score.
        NothingToMonitorError: a place has no scores.
        NoRunningSystemError: no place is named, and settings of the running system are missing or wrong.
        TransientError: the bucket or the database is down.
    """
    if not places:
        yield from _of_database(*_running_system(store_of))
    for place in places:
        if uri := s3_uri(place):
            yield from _of_bucket(store_of(uri.bucket))
        elif (place / DATABASE).is_file():
            yield from _of_database(database_url(place), FolderStore(place))
        else:
            yield from _of_files(place)


def _of_files(place: Path) -> Iterator[GivenScore]:
    """Of a file, or of the files below a folder; their times say when they were written, which may be much later."""
    folder = place / keys.SCORES if (place / keys.SCORES).is_dir() else place
    files = sorted(folder.rglob("*.json")) if folder.is_dir() else [place]
    if not place.exists():
        raise NothingToMonitorError(f"{place} is neither a file of a score nor a folder of such files")
    if not files:
        raise NothingToMonitorError(f"{place} holds no scores")
    for file in files:
        yield GivenScore(read_score(file), None)


def _of_database(url: str, bucket: BlobStore) -> Iterator[GivenScore]:
    """Of results whose superseded scores may be in the archive in the bucket."""
    with closing(SqlStore(url, blobs=bucket)) as results:
        results.check()
        for case in results.case_ids():
            for kept in results.scores(case):
                yield GivenScore(_parsed(kept.body, case), kept.as_of.date(), kept.site)


def _of_bucket(store: BlobStore) -> Iterator[GivenScore]:
    """Objects of scores are written once, so that their times say when they were given."""
    sites: dict[str, str] = {}
    for info in store.list(keys.SCORES):
        case = info.key.removeprefix(keys.SCORES).partition("/")[0]
        if case not in sites:
            sites[case] = _site(store, case)
        yield GivenScore(_parsed(store.get(info.key).decode(), info.key), info.last_modified.date(), sites[case])


def _site(store: BlobStore, case: str) -> str:
    """Site in the clinical record that stands now; empty without one."""
    key = keys.clinical(keys.case_id(case, keys.SCORES))
    try:
        site = str(read_object(read_if_there(store, key) or b"{}").get("site_id") or "")
    except JsonObjectError:
        return ""
    return site if is_pseudonym(site) else ""


def _parsed(body: str, where: str) -> Score:
    try:
        return Parse(body, Score(), ignore_unknown_fields=True)
    except (ParseError, ValueError) as error:
        raise BadScoreFileError(f"{where} holds no score") from error


def _running_system(store_of: StoreOf) -> tuple[str, BlobStore]:
    """Address of the database of results, and the bucket."""
    try:
        return load(ResultsSettings).database_url.get_secret_value(), store_of(load(PlatformSettings).s3.bucket)
    except BadSettingsError as error:
        raise NoRunningSystemError(f"scores are looked for in the running system, but {error}") from None
