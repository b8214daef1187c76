"""A database and a bucket with scored cases, which a test loses and restores by the command line."""

import uuid
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import psycopg
import pytest
from boto3.s3.transfer import TransferConfig
from psycopg import sql
from sqlalchemy import make_url

from services.results.case_list import Order, Selection
from services.results.ports import KeptScore
from services.results.sql_store import SqlStore
from shared import keys
from shared.blob.s3 import S3Store
from shared.units import CaseId
from tests.support import scores as samples
from tests.support.object_stores import s3_settings
from tests.support.parts import MinioPart, PostgresPart
from tests.support.result_stores import apply, record

_PARTS = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
SLIDE_BYTES = 6 << 20
"""Two parts of an upload."""


@dataclass
class LossySystem:
    """The parts, named in the environment as operators name them."""

    minio: MinioPart
    postgres: PostgresPart
    bucket: str
    url: str

    def __post_init__(self) -> None:
        self.blobs = S3Store(s3_settings(self.minio, self.bucket))
        self.results = self._opened()
        prefix = uuid.uuid4().hex[:8]
        self.cases = [CaseId(f"{prefix}-{number}") for number in (1, 2, 3)]

    def name_in(self, environment: pytest.MonkeyPatch, kafka: str) -> None:
        """Set the variables of the running system."""
        environment.setenv("MEDULLA_KAFKA__BOOTSTRAP_SERVERS", kafka)
        environment.setenv("MEDULLA_S3__BUCKET", self.bucket)
        environment.setenv("MEDULLA_S3__ENDPOINT_URL", self.minio.endpoint)
        environment.setenv("MEDULLA_S3__ACCESS_KEY_ID", self.minio.access_key)
        environment.setenv("MEDULLA_S3__SECRET_ACCESS_KEY", self.minio.secret_key)
        environment.setenv("RESULTS_DATABASE_URL", self.url)

    def score(self, case: CaseId, version: str) -> None:
        """Store a slide of several parts, the scorer's index of the case, and a score in bucket and database."""
        fact = record(case, version, float(version))
        slide = BytesIO(case.encode() * (SLIDE_BYTES // len(case)))
        self.minio.client().upload_fileobj(slide, self.bucket, f"{keys.slides(case)}A.svs", Config=_PARTS)
        self.blobs.put(keys.indexed_clinical(case), b"{}")
        self.blobs.put(keys.score(case, fact.score_id), fact.body.encode())
        assert apply(self.results, fact)

    def lose(self) -> None:
        """Drop the database, and empty the bucket."""
        self.results.close()
        name = sql.Identifier(make_url(self.url).database or "")
        with psycopg.connect(self.postgres.dsn("postgres"), autocommit=True) as admin:
            admin.execute(sql.SQL("drop database {} with (force)").format(name))
            admin.execute(sql.SQL("create database {} template template0").format(name))
        for info in list(self.blobs.list("")):
            self.blobs.erase(info.key)
        self.results = self._opened()

    def objects(self) -> list[tuple[str, str, int]]:
        """Key, etag and size of every object but marks, of work in flight and of cases erased by other tests."""
        infos = (info for info in self.blobs.list("") if not info.key.startswith((keys.ATTEMPTS, keys.ERASED)))
        return [(info.key, info.etag, info.size) for info in infos]

    def listed(self) -> list[Any]:
        """The rows of the list of cases."""
        return [summary for _, summary in self.results.page(Selection(), Order.CASE, 50)]

    def scores(self) -> list[list[KeptScore]]:
        """The scores of each case."""
        return [self.results.scores(case) for case in self.cases]

    def _opened(self) -> SqlStore:
        return SqlStore(self.url, now=lambda: samples.at(60), blobs=self.blobs)
