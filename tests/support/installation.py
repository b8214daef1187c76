"""What tests do to an installation and see of it, whether its services are processes of this machine or pods."""

import json
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import psycopg
from mypy_boto3_s3 import S3Client

from shared import keys
from shared.bus.port import Delivery, Record
from tests.support.checkout import CHECKOUT

DEMO = CHECKOUT / "services/standalone/demo"
CLINICAL: Path = next((DEMO / "clinical").glob("*.json"))
Database = psycopg.Connection[tuple[Any, ...]]
CONNECT_S = 10
"""How long a connection to the database may take to open."""


class Installation(ABC):
    """Four services, and the way in and out of them."""

    @abstractmethod
    def land(self, key: str, data: bytes, beside: str = "") -> None:
        """Put an object, as a lab's uploader does; `beside` goes into what the store keeps about it."""

    @abstractmethod
    def stored(self, key: str) -> bytes:
        """An object of the bucket."""

    @abstractmethod
    def stored_keys(self) -> Iterator[str]:
        """The key of every object of the bucket."""

    @abstractmethod
    def send(self, *records: Record) -> None:
        """Put records on topics."""

    @abstractmethod
    def read(self, topic: str) -> list[Delivery]:
        """Everything that stands on a topic."""

    @abstractmethod
    def get(self, path: str) -> dict[str, Any]:
        """JSON of a REST path; empty for 404."""

    @abstractmethod
    def answer(self, path: str) -> tuple[str, bytes]:
        """Headers and body of the answer to a REST path; the body alone of a refusal."""

    @abstractmethod
    def database(self) -> AbstractContextManager[Database]:
        """A connection to the database of results, each statement a transaction."""

    def land_slide(self, case_id: str, data: bytes, name: str = "slide.svs") -> str:
        """Put a slide; its key."""
        key = f"{keys.SLIDES}{case_id}/{name}"
        self.land(key, data)
        return key

    def land_record(self, case_id: str, **values: object) -> None:
        """Put the demo's clinical record, with other values, for a case."""
        record = json.loads(CLINICAL.read_text()) | {"case_id": case_id} | values
        self.land(f"{keys.CLINICAL}{case_id}.json", json.dumps(record).encode())

    def case(self, case_id: str) -> dict[str, Any]:
        """A case as REST shows it; empty where it is unknown."""
        return self.get(f"/api/v1/cases/{case_id}")

    def scores(self, case_id: str) -> list[dict[str, Any]]:
        """Every score of a case, the current one first."""
        return list(self.get(f"/api/v1/cases/{case_id}/scores").get("scores", []))

    def score_bytes(self, case: Mapping[str, Any]) -> bytes:
        """The current score's JSON in the bucket."""
        score = case["score"]
        return self.stored(f"scores/{score['case_id']}/{score['score_id']}.json")


def put(s3: S3Client, bucket: str, key: str, data: bytes, beside: str) -> None:
    """Put an object; `beside`, where there is any, into its metadata and its tags."""
    if beside:
        s3.put_object(Bucket=bucket, Key=key, Body=data, Metadata={"patient": beside}, Tagging=f"patient={beside}")
    else:
        s3.put_object(Bucket=bucket, Key=key, Body=data)


def answered(url: str, **headers: str) -> tuple[str, bytes]:
    """Headers and body of the answer to a URL; the body alone of a refusal."""
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - our own http URL
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own http URL
            return str(answer.headers), bytes(answer.read())
    except HTTPError as error:
        with closing(error):
            return "", error.read()
