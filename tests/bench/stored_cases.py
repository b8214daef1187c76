"""Many cases as the services leave them: a tiny slide and a record each, in a bucket of MinIO and in the database."""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path

from medulla.v1.common_pb2 import Bag, Plan, Slide, StoredObject
from medulla.v1.events_pb2 import SlideEmbedded, SlideTiled
from mypy_boto3_s3 import S3Client
from sqlalchemy import insert

from services.embedder.backlog import Backlog
from services.embedder.bag_store import MANIFEST_FILE, bag_folder
from services.embedder.manifest import EncoderManifest, read_manifest
from services.fusion_scorer.case_index import CaseIndex, InputEntry
from services.fusion_scorer.case_record import CaseRecord, RecordedState
from services.fusion_scorer.landed_input import landed_input
from services.fusion_scorer.promoted import Bundles
from services.fusion_scorer.routes import on_landing
from services.results.audit_seal import Checkpoint, Seal
from services.results.schema import AUDIT_CHECKPOINTS
from services.results.sql_store import SqlStore
from services.tiler.landings import Landings
from services.tiler.planner import PlanSpec
from services.tiler.resolution import MppTable, Override
from services.tiler.unplanned import Unplanned
from shared import keys
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo, BlobStore
from shared.bus.memory import MemoryBus
from shared.canonical import digest_of, sha256
from shared.keys import SlideKey
from shared.slides.listing import FoundSlide, SlideListing
from shared.times import EPOCH, stamp
from shared.units import CaseId, Sha256, SlideId

ENCODER_FOLDER = Path(__file__).parents[2] / "services/embedder/encoders/efficientnet_lite0"
GROUP = "embedder"
SEAL = Seal(b"bench")
_AT_ONCE = 100
"""Cases that are put together in memory and stored by one request, which MinIO unpacks."""
_UNPACK = {"snowball-auto-extract": "true"}
_NAME = "A.svs"
_ROWS = """
insert into scores (case_id, score_id, as_of, revision, digest, body, inputs)
select id, md5(id) || md5(id), now(), '0000000000000001', md5(id) || md5(id), '{{}}',
       json_build_array(json_build_array('slides/' || id || '/A.svs', md5(id)))::text
from (select 'CASE-' || lpad(n::text, 7, '0') as id from generate_series(0, {cases} - 1) n) named;
insert into cases (case_id, updated_at, revision, listed_revision, state, labels, current_score_id)
select case_id, as_of, 1, 1, 'scored', '', score_id from scores;
insert into audit (seq, case_id, score_id, score_digest, as_of, event_id, recorded_at, previous, hash)
select row_number() over (order by case_id), case_id, score_id, digest, as_of, md5(case_id), as_of, '', score_id
from scores
"""


class _AsS3(MemoryStore):
    """Objects with the etags that S3 gives them."""

    def head(self, key: str) -> BlobInfo | None:
        info = super().head(key)
        return replace(info, etag=md5(self.get(key), usedforsecurity=False).hexdigest()) if info else None

    def put(self, key: str, data: bytes) -> BlobInfo:
        return replace(super().put(key, data), etag=md5(data, usedforsecurity=False).hexdigest())

    def get_range(self, info: BlobInfo, start: int, end: int) -> bytes:
        return self.get(info.key)[start:end]


@dataclass(frozen=True)
class StoredCases:
    """So many cases, of which sweeps have looked at each if they are `settled`."""

    count: int
    settled: bool

    def store(self, s3: S3Client, bucket: str, results: SqlStore) -> None:
        """Write the objects and the rows."""
        with results.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("set statement_timeout = 0")
            for statement in _ROWS.format(cases=self.count).split(";"):
                connection.exec_driver_sql(statement)
            connection.execute(insert(AUDIT_CHECKPOINTS).values(asdict(self._checkpoint())))
            connection.exec_driver_sql("vacuum analyze")
        for batch in self._batches():
            s3.put_object(Bucket=bucket, Key="packed.tar", Body=_packed(batch), Metadata=_UNPACK)
            if self.settled:
                results.note_answered(dict(_listings(batch)))

    def _checkpoint(self) -> Checkpoint:
        """Of the audit record, up to the entry of the last case."""
        last = md5(case_id(self.count - 1).encode(), usedforsecurity=False).hexdigest()
        return SEAL.checkpoint(self.count, last + last, datetime.now(UTC))

    def _batches(self) -> Iterator[MemoryStore]:
        for start in range(0, self.count, _AT_ONCE):
            store = _AsS3()
            for number in range(start, min(start + _AT_ONCE, self.count)):
                add(store, case_id(number))
            if self.settled:
                _sweep(store)
            yield store


def case_id(number: int) -> CaseId:
    """The case of a number."""
    return CaseId(f"CASE-{number:07}")


def encoder() -> EncoderManifest:
    """The encoder that embedded every slide."""
    return read_manifest(ENCODER_FOLDER)


def add(store: BlobStore, case: CaseId) -> None:
    """What the laboratory lands of a case, and what tiler, embedder and scorer write of it."""
    slide, record = store.put(f"{keys.slides(case)}{_NAME}", case.encode()), store.put(keys.clinical(case), b"{}")
    tiled, embedded = _events(case, slide)
    Landings(store, PlanSpec()).remember(FoundSlide(SlideId(_NAME), (slide,), (slide,)), Override(), tiled)
    store.put(f"{bag_folder(store, tiled, encoder()).prefix}{MANIFEST_FILE}", b"{}")
    index, landed = CaseIndex(store), landed_input(record.key)
    assert landed is not None
    index.put_slide(embedded)
    index.put_input(landed, InputEntry(record.key, record.etag, record.sha256, record.last_modified.isoformat(), None))
    seen = frozenset((info.key, info.etag) for info in (slide, record))
    CaseRecord(store).record(case, RecordedState("", sha256(case.encode()), seen), EPOCH)
    store.put(keys.score(case, sha256(case.encode())), b"{}")


def _events(case: CaseId, slide: BlobInfo) -> tuple[SlideTiled, SlideEmbedded]:
    landed, grid, by = stamp(slide.last_modified), PlanSpec().grid, encoder()
    stored = StoredObject(key=slide.key, etag=slide.etag, last_modified=landed)
    message = Slide(case_id=case, slide_id=SlideKey(case, SlideId(_NAME)).slide_id, object=stored, digest=slide.sha256)
    plan = Plan(
        digest=sha256(b"plan"),
        prefix=keys.plan_prefix(Sha256(slide.sha256), sha256(b"plan")),
        tiles=1,
        tile_px=grid.tile_px,
        tile_um=grid.tile_um,
    )
    bag = Bag(digest=sha256(b"bag"), encoder_digest=by.digest, encoder_name=by.name, tiles=1)
    tiled = SlideTiled(event_id=f"{case} tiled", slide=message, plan=plan, as_of=landed)
    return tiled, SlideEmbedded(event_id=f"{case} embedded", slide=message, plan=plan, bag=bag, as_of=landed)


def _sweep(store: MemoryStore) -> None:
    """Have every sweep mark the cases."""
    producer = MemoryBus().producer()
    list(Unplanned(store, SlideListing(store), [Landings(store, PlanSpec())], MppTable())())
    landing = on_landing(store, Bundles(store), producer)
    list(landing.unseen_inputs())
    landing.sweep_cases()
    Backlog(store, encoder(), producer.send, GROUP, timedelta())()


def _listings(store: MemoryStore) -> Iterator[tuple[CaseId, Sha256]]:
    """What results notes of a case whose slides are all answered."""
    for info in store.list(keys.SLIDES):
        case = CaseId(info.key.removeprefix(keys.SLIDES).partition("/")[0])
        yield case, digest_of([[info.key, info.etag]])


def _packed(store: MemoryStore) -> bytes:
    """The objects as an archive that MinIO unpacks into a bucket."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for info in store.list(""):
            entry = tarfile.TarInfo(info.key)
            entry.size = info.size
            archive.addfile(entry, io.BytesIO(store.get(info.key)))
    return buffer.getvalue()
