"""A user of a site from outside: puts slides into its bucket, asks REST for their scores, reads topics."""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config
from mypy_boto3_s3 import S3Client

from shared import keys
from shared.units import Sha256
from tests.stack.development import promote
from tests.support.cluster.forward import Forward
from tests.support.cluster.kubernetes import until
from tests.support.cluster.site import BUCKET, Site
from tests.support.cluster.slides import tiny
from tests.support.installation import answered
from tests.support.system import DEMO_BUNDLE

Json = dict[str, Any]
PATIENCE_S = 300.0
_CLOCKS_S = 10.0
"""How far the cluster's clock may be from ours."""
_READ_TOPIC = """
import json, sys
from shared.bus.kafka_admin import read_topic
from shared.settings import PlatformSettings, load
for d in read_topic(load(PlatformSettings).kafka, sys.argv[1]):
    print(json.dumps([d.record.key, d.written_at, dict(d.record.headers)]))
"""


@dataclass
class Observer:
    """A site seen through its bucket and REST."""

    site: Site
    put_at: dict[str, float] = field(default_factory=dict)
    """When each case's slide was put, Unix seconds."""
    session: str = field(default_factory=lambda: uuid.uuid4().hex[:4])
    """Begins the name of each case, so that a site that stays has no case twice."""
    token: str = ""
    """Bearer token that REST is asked with; empty: none."""

    def __post_init__(self) -> None:
        self._keys = (self.site.secret("s3AccessKeyId"), self.site.secret("s3SecretAccessKey"))
        self._rest = Forward(self.site.namespace, f"deployment/{self.site.medulla.object_name('results')}", 8080)
        self._s3 = Forward(self.site.namespace, f"pod/{self.site.outside.object_name('dev-s3')}-0", 9000)

    def close(self) -> None:
        """End the ways in."""
        self._rest.close()
        self._s3.close()

    def store(self, ask: Callable[[S3Client], Any]) -> Any:
        """What `ask` gives for a client of the bucket's server."""
        return self._s3.call(lambda address: ask(self._client(address)))

    def _client(self, address: str) -> S3Client:
        return boto3.client(
            "s3",
            endpoint_url=f"http://{address}",
            region_name="us-east-1",
            aws_access_key_id=self._keys[0],
            aws_secret_access_key=self._keys[1],
            config=Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 1}, signature_version="s3v4"),
        )

    def promote(self, bundle: Path = DEMO_BUNDLE) -> Sha256:
        """Make a bundle the current one; its digest."""
        return Sha256(self.store(lambda s3: promote(s3, BUCKET, bundle)))

    def land(self, run: str, numbers: Iterable[int]) -> list[str]:
        """Put one tiny slide for a new case each, unless that was done before; the cases, `…-07` of slide 7."""
        run = f"{self.session}-{run}"
        slides = {f"{run}-{number:02d}": tiny(number, run) for number in numbers}

        def put(s3: S3Client) -> None:
            for case, data in slides.items():
                if case not in self.put_at:
                    begun = time.time()
                    s3.put_object(Bucket=BUCKET, Key=f"{keys.SLIDES}{case}/{case}.tiff", Body=data)
                    self.put_at[case] = begun

        self.store(put)
        return list(slides)

    def get(self, path: str, token: str | None = None) -> Json:
        """JSON of a REST path, asked with another token where one is given; empty for 404."""
        return self._ask("GET", path, self.token if token is None else token)

    def erase(self, case: str) -> None:
        """Have REST erase a case, and wait until it is gone."""
        self._ask("DELETE", f"/cases/{case}", self.token)
        self.wait_erased(case)

    def wait_erased(self, case: str) -> None:
        """Wait until neither REST nor the bucket nor a dead letter names a case any more.

        Raises:
            StackError: one still does; says where.
        """
        until(f"{case} to be gone", lambda: " ".join(self._traces(case)), PATIENCE_S)

    def _traces(self, case: str) -> list[str]:
        """Where a case is named."""
        stored = [key for key in self.stored_keys() if case in key]
        letters = [key for key, _, headers in self.topic("dead.letters") if case in f"{key} {headers}"]
        return [*stored, *letters, *(["REST"] if self.get(f"/cases/{case}") else [])]

    def stored_keys(self) -> list[str]:
        """The key of every object of the bucket."""
        listed = self.store(lambda s3: list(s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)))
        return [each["Key"] for page in listed for each in page.get("Contents", ())]

    def answer(self, path: str) -> tuple[str, bytes]:
        """Headers and body of the answer to a REST path that is asked without a token; the body alone of a refusal."""
        return self._rest.call(lambda address: answered(f"http://{address}{path}"))

    def _ask(self, method: str, path: str, token: str) -> Json:
        headers = {"Authorization": f"Bearer {token}"} if token else {}

        def ask(address: str) -> Json:
            url = f"http://{address}/api/v1{path}"
            try:
                with urlopen(Request(url, headers=headers, method=method), timeout=10) as answer:
                    return dict(json.load(answer))
            except HTTPError as error:
                if error.code == HTTPStatus.NOT_FOUND:
                    return {}
                raise

        return self._rest.call(ask)

    def status(self, path: str, token: str) -> int:
        """Whether a token opens a REST path: 200, or the HTTP status of the refusal."""
        try:
            self.get(path, token)
        except HTTPError as error:
            return error.code
        return HTTPStatus.OK

    def states(self, changed_since: float = 0) -> dict[str, str]:
        """State of every case that results shows, or of those that changed since a time in Unix seconds."""
        states: dict[str, str] = {}
        token = ""
        while True:
            page = self.get(f"/cases?page_size=200&page_token={token}")
            states |= {each["case_id"]: each["state"].removeprefix("CASE_STATE_") for each in page["cases"]}
            token = page["next_page_token"]
            if not token or datetime.fromisoformat(page["cases"][-1]["updated_at"]).timestamp() < changed_since:
                return states

    def _since(self, cases: Sequence[str]) -> float:
        return min(self.put_at.get(case, 0.0) for case in cases) - _CLOCKS_S

    def scored(self, cases: Sequence[str]) -> int:
        """How many of them have a score to be seen."""
        states = self.states(self._since(cases))
        return sum(states.get(case) in {"SCORED", "ABSTAINED"} for case in cases)

    def wait_scored(self, cases: Sequence[str], seconds: float = PATIENCE_S) -> dict[str, float]:
        """Wait until all have a score; seconds from the putting of each to its being seen.

        Raises:
            StackError: some have none in time; names their states.
        """
        seen_at: dict[str, float] = {}

        def missing() -> str:
            states = self.states(self._since(cases))
            now = time.time()
            for case in cases:
                if states.get(case) in {"SCORED", "ABSTAINED"}:
                    seen_at.setdefault(case, now - self.put_at[case])
            pending = {case: states.get(case, "unknown") for case in cases if case not in seen_at}
            refused = [case for case, state in pending.items() if state == "REJECTED"]
            assert not refused, f"{refused[0]} was rejected: {self.get(f'/cases/{refused[0]}')['rejections']}"
            return f"{len(pending)} of {len(cases)} are not scored: {pending}" if pending else ""

        until("scores", missing, seconds, 0.2)
        return seen_at

    def scores(self, case: str) -> list[Json]:
        """Every score of a case, the current one first."""
        return list(self.get(f"/cases/{case}/scores").get("scores", []))

    def current_score(self, case: str) -> Json:
        """The score of a case that counts."""
        return dict(self.get(f"/cases/{case}")["score"])

    def only_score(self, case: str) -> Json:
        """The score of a case that must have exactly one, which must be current."""
        scores = self.scores(case)
        assert [each["current"] for each in scores] == [True], f"{case} has {len(scores)} scores"
        return dict(scores[0]["score"])

    def topic(self, name: str) -> list[tuple[str, float, Mapping[str, str]]]:
        """Key, time of writing and headers of every record on a topic."""
        pod = self.site.medulla.pod("results")
        output = self.site.namespace.exec(pod, "python", "-c", _READ_TOPIC, name)
        return [(key, at, headers) for key, at, headers in map(json.loads, output.splitlines())]

    def dead_letters(self) -> list[str]:
        """What was given up for good, in sentences."""
        return [headers.get("medulla-sentence", key) for key, _, headers in self.topic("dead.letters")]


def findings(score: Mapping[str, Any]) -> Json:
    """What a score says, without what names its case, slide or program: equal for equal pixels and bundle."""
    fields = ("risks", "risk_group", "model", "log_risk", "percentile", "contributions", "abstained")
    places = [slide["top_tiles"] for slide in score["slides"]]
    return {**{name: score[name] for name in fields}, "top_tiles": places}
