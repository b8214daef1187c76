"""`make stack-up`: all real parts and the four services on fixed ports of this machine, until `make stack-down`."""

import json
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mypy_boto3_s3 import S3Client

from shared import keys, model_keys
from shared.model.bundle_files import verify
from tests.stack.elasticmq import ElasticMq
from tests.stack.home import StackError, inside, locked
from tests.stack.runs import end_programs, running_programs
from tests.stack.services import Ports, Surroundings, four_services
from tests.stack.triton import Triton
from tests.support.checkout import CHECKOUT
from tests.support.parts import EVENT_TOPICS, KafkaPart, MinioPart, PostgresPart

_BUCKET = "medulla"
_DEMO = CHECKOUT / "services" / "standalone" / "demo"
_SLIDE = _DEMO / "cmu-1-small-region.svs"
_CLINICAL = _DEMO / "clinical" / "DEMO-001.json"
_ACCESS = "s3.json"
_PUT = f"  make stack-put SLIDE={_SLIDE.relative_to(CHECKOUT)} CASE=DEMO-001 CLINICAL={_CLINICAL.relative_to(CHECKOUT)}"
_READY = """
The stack runs. Logs and data: {parts.folder}
  page and REST   http://127.0.0.1:{ports.results_http}
  tiler           127.0.0.1:{ports.tiler_grpc} (gRPC)    health http://127.0.0.1:{ports.tiler_health}/readyz
  embedder                                   health http://127.0.0.1:{ports.embedder_health}/readyz
  fusion_scorer   127.0.0.1:{ports.scorer_grpc} (gRPC)    health http://127.0.0.1:{ports.scorer_health}/readyz
  results         127.0.0.1:{ports.results_grpc} (gRPC)    health http://127.0.0.1:{ports.results_health}/readyz
  Kafka {parts.kafka.bootstrap}   S3 {parts.minio.endpoint} (bucket {bucket})
  Triton {parts.triton.url}   SQS {parts.sqs.endpoint}   PostgreSQL 127.0.0.1:{parts.postgres.port}
Each service, for a restart by hand: {parts.folder}/services/NAME.process (pid), NAME.env (settings)
Put a slide, and a clinical record for the same case:
{put}
End it all with `make stack-down`.
"""


@dataclass(frozen=True)
class _Parts:
    """The real parts on the ports that everyone expects."""

    folder: Path
    kafka: KafkaPart
    minio: MinioPart
    postgres: PostgresPart
    triton: Triton
    sqs: ElasticMq

    @classmethod
    def below(cls, folder: Path) -> Self:
        """Parts that keep data and logs below the folder, not yet started."""
        kafka = KafkaPart(folder / "kafka", 9092, 9093)
        return cls(
            folder,
            kafka,
            MinioPart(folder / "minio", 9000, kafka.bootstrap, EVENT_TOPICS[:1]),
            PostgresPart(folder / "postgres", 54329),
            Triton(folder / "triton", 8000, 8001, 8002),
            ElasticMq(folder / "elasticmq", 9324),
        )

    def start(self) -> None:
        """Start them; MinIO after the broker that it announces to."""
        _in_parallel([lambda: _in_turn([self.kafka.start, self.minio.start]), self.postgres.start])
        _in_parallel([self.triton.start, self.sqs.start])

    def surroundings(self) -> Surroundings:
        """What the services have to know of them."""
        return Surroundings(
            bootstrap=self.kafka.bootstrap,
            s3_endpoint=self.minio.endpoint,
            s3_access_key=self.minio.access_key,
            s3_secret_key=self.minio.secret_key,
            bucket=_BUCKET,
            database_url=self.postgres.database(),
            triton_url=self.triton.url,
        )


def up() -> None:
    """Start everything on fresh data, with new passwords, and print where it is.

    Raises:
        StackError: something runs already, is missing, or did not start; what did start is ended.
    """
    with locked("stack"):
        folder = inside("stack")
        if running_programs(folder):
            raise StackError("The stack runs already; end it with `make stack-down`.")
        shutil.rmtree(folder)
        try:
            _start(inside("stack"))
        except BaseException:
            end_programs(folder)
            raise


def _start(folder: Path) -> None:
    print("stack: starting Kafka, MinIO, PostgreSQL, Triton and ElasticMQ", flush=True)
    parts, ports = _Parts.below(folder), Ports()
    parts.start()
    _prepare(folder, parts.minio)
    print("stack: starting the four services", flush=True)
    services = four_services(folder / "services", parts.surroundings(), ports)
    for service in services.values():
        service.write_settings()
    _in_parallel(service.start for service in services.values())
    print(_READY.format(parts=parts, ports=ports, bucket=_BUCKET, put=_PUT))


def _in_turn(steps: Iterable[Callable[[], None]]) -> None:
    for step in steps:
        step()


def _in_parallel(steps: Iterable[Callable[[], None]]) -> None:
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(step) for step in steps]:
            done.result()


def _prepare(folder: Path, minio: MinioPart) -> None:
    """The bucket, its announcements, the demo bundle, and the keys for `put`."""
    s3 = minio.client()
    s3.create_bucket(Bucket=_BUCKET)
    minio.announce(_BUCKET)
    promote(s3, _BUCKET, _DEMO / "bundle")
    access = folder / _ACCESS
    access.touch(mode=0o600)
    access.write_text(json.dumps({"port": minio.port, "secret_key": minio.secret_key}))


def promote(s3: S3Client, bucket: str, bundle: Path) -> str:
    """Store a bundle and make it the current one; gives its digest."""
    checked = verify(bundle)
    for name, content in checked.files.items():
        s3.put_object(Bucket=bucket, Key=model_keys.bundle_prefix(checked.digest) + name, Body=content)
    pointer = json.dumps({"digest": checked.digest, "name": checked.manifest.name}).encode()
    s3.put_object(Bucket=bucket, Key=model_keys.CURRENT_BUNDLE, Body=pointer)
    return checked.digest


def put(slide: Path | None, case: str, clinical: Path | None) -> None:
    """Land a clinical record and a slide in the running stack's bucket.

    Raises:
        StackError: nothing is named, the stack does not run, or a file is not there.
    """
    if not case or (slide is None and clinical is None):
        raise StackError(f"Name a case, and a slide or a clinical record or both, for example:\n{_PUT}")
    folder = inside("stack")
    if not (folder / _ACCESS).exists() or not running_programs(folder):
        raise StackError("The stack does not run; start it with `make stack-up`.")
    access = json.loads((folder / _ACCESS).read_text())
    s3 = MinioPart(folder / "minio", access["port"], "", (), secret_key=access["secret_key"]).client()
    if clinical is not None:
        _upload(s3, clinical, f"{keys.CLINICAL}{case}.json")
    if slide is not None:
        _upload(s3, slide, f"{keys.SLIDES}{case}/{slide.name}")


def _upload(s3: S3Client, file: Path, key: str) -> None:
    if not file.is_file():
        raise StackError(f"{file} is not a file.")
    s3.upload_file(str(file), _BUCKET, key)
    print(f"stack: put {key}")
