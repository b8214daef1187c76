"""Finds the score to export: a score's file with the folder that it was made in, or a case's current score."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from google.protobuf.json_format import Parse, ParseError
from medulla.v1.scorer_pb2 import Score, SlideEvidence

from services.results.exports import Exports
from services.results.queries import Queries
from services.results.settings import ResultsSettings
from services.results.sql_store import SqlStore
from services.standalone.errors import BadScoreFileError, NoRunningSystemError, NothingFoundError
from services.standalone.laptop_results import DATABASE, database_url
from shared import keys
from shared.blob.folder import FolderStore
from shared.blob.port import read_if_there
from shared.blob.s3 import S3Store
from shared.bounded_file import read_bounded
from shared.export.exported_case import ExportedCase
from shared.pseudonyms import is_pseudonym
from shared.settings import BadSettingsError, PlatformSettings, S3Settings, load
from shared.slides.heads import dicom_heads
from shared.units import CaseId
from shared.words import shown

STORE = "store"
"""Folder that `medulla score` leaves beside score.json."""
_MOST_BYTES = 10_000_000


@contextmanager
def exported_case(case_or_score: str, folder: Path | None) -> Iterator[ExportedCase]:
    """The score of a file that ends in .json, or a case's current score in `folder` or in the running system.

    `folder` is that of a score's objects, or one of `medulla up`.

    Raises:
        BadScoreFileError: the file holds no score.
        NoRunningSystemError: settings of the running system are missing or wrong.
        NothingFoundError: the folder is none of `medulla up`.
        UnknownCaseError: the case has no score.
        TransientError: the store or the database is down.
    """
    if case_or_score.endswith(".json"):
        yield case_of_file(Path(case_or_score), folder)
    elif folder is None:
        database, s3 = _running_system(case_or_score)
        blobs = S3Store(s3)
        with closing(SqlStore(database, blobs=blobs)) as results:
            results.check()
            yield Exports(Queries(results, blobs), blobs).case(case_or_score)
    else:
        with closing(_results_in(folder)) as results:
            store = FolderStore(folder)
            yield Exports(Queries(results, store), store).case(case_or_score)


def _running_system(case: str) -> tuple[str, S3Settings]:
    """Address of the database of results, and settings of the bucket."""
    try:
        return load(ResultsSettings).database_url.get_secret_value(), load(PlatformSettings).s3
    except BadSettingsError as error:
        raise NoRunningSystemError(f"{shown(case)} is looked for in the running system, but {error}") from None


def _results_in(folder: Path) -> SqlStore:
    if not (folder / DATABASE).is_file():
        raise NothingFoundError(f"{folder} holds no results of `medulla up`")
    return SqlStore(database_url(folder), blobs=FolderStore(folder))


def case_of_file(path: Path, folder: Path | None = None) -> ExportedCase:
    """The score of a file, and the objects that it names in `folder`, or in the one that it was made in.

    Raises:
        BadScoreFileError: the file holds no score.
    """
    score = read_score(path)
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(microsecond=0)
    store = FolderStore(folder or _store_of(path))

    def read(key: str) -> bytes | None:
        return read_if_there(store, key)

    def heads(slide: SlideEvidence) -> list[bytes]:
        return dicom_heads(store, CaseId(score.case_id), slide.slide_digest)

    return ExportedCase(score, written, read, heads)


def read_score(path: Path) -> Score:
    """The score of a file.

    Raises:
        BadScoreFileError: the file holds no score.
    """
    try:
        data = read_bounded(path, _MOST_BYTES, str(path), BadScoreFileError)
    except OSError as error:
        raise BadScoreFileError(f"{path} cannot be read: {error.strerror}") from error
    try:
        score = Parse(data, Score(), ignore_unknown_fields=True)
    except (ParseError, ValueError, RecursionError):
        raise BadScoreFileError(f"{path} holds no score") from None
    slides = [slide.slide_id for slide in score.slides]
    if not (score.score_id and all(map(is_pseudonym, [score.case_id, *slides]))):
        raise BadScoreFileError(f"{path} holds no score with the ids of its case and slides")
    return score


def _store_of(path: Path) -> Path:
    """The folder beside a score.json, or the one above scores/{case}/{score}.json and scores/{case}.json."""
    above = path.resolve().parents
    scores = next((folder for folder in above[:2] if folder.name == keys.SCORES.strip("/")), None)
    return scores.parent if scores else above[0] / STORE
