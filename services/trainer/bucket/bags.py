"""Copies the bags of a cohort's slides from the bucket in which the pipeline embedded them."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path

from medulla.v1.events_pb2 import SlideEmbedded

from services.trainer.bucket.s3_uri import local_path
from services.trainer.cohort.embeddings import INDEX
from services.trainer.errors import BadEmbeddingsError
from shared import keys
from shared.blob.port import BlobStore, ObjectChangedError
from shared.canonical import sha256
from shared.csv_file import write_csv
from shared.files import put
from shared.progress import Advance
from shared.slides.embedded import fullest, standing
from shared.units import CaseId

_AT_ONCE = 8
INDEX_COLUMNS = ("case_id", "slide_id", "slide_digest", "tiles", "path")


def copy_bags(store: BlobStore, cases: Iterable[str], folder: Path, advance: Advance, encoder: str = "") -> Path:
    """Copy the bags and plans of the current slides of `cases` into `folder`, next to an `index.csv`.

    `encoder` is the name of the encoder or the beginning of its digest, where several embed the slides.

    Bags that are there already are not read again, since their keys contain digests. A case without slides has no row.

    Returns:
        The folder, for `read_embeddings`.

    Raises:
        BadEmbeddingsError: no case has an embedded slide, several encoders embedded them and none of these is named, or
            a bag is gone or was altered.
        TransientError: the store is down.
    """
    case_ids = [CaseId(case) for case in cases]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="bags") as pool:
        by_case = list(pool.map(partial(standing, store), case_ids))
        digest = _chosen(chain.from_iterable(by_case), encoder)
        events = [event for listed in by_case for event in fullest(each for each in listed if _is_by(each, digest))]
        copies = pool.map(partial(_copy, store, folder), events)
        for done, _ in enumerate(copies, 1):
            advance(done, len(events))
    if not events:
        raise BadEmbeddingsError(f"none of the {len(case_ids)} cases has an embedded slide in the bucket")
    write_index(folder / INDEX, events)
    return folder


def _chosen(events: Iterable[SlideEmbedded], encoder: str) -> str:
    """Digest of the encoder that is named, or of the only one; empty where there are no events."""
    encoders = {(event.bag.encoder_name, event.bag.encoder_digest) for event in events}
    named = {digest for name, digest in encoders if name == encoder or digest.startswith(encoder)}
    if len(named) == 1 or not encoders:
        return next(iter(named), "")
    names = ", ".join(sorted(f"{name} {digest[:12]}" for name, digest in encoders))
    raise BadEmbeddingsError(
        f"the slides are embedded by {names}: name one encoder by its name or digest, as s3://BUCKET/ENCODER"
    )


def _is_by(event: SlideEmbedded, encoder: str) -> bool:
    return event.bag.encoder_digest == encoder


def write_index(path: Path, events: Sequence[SlideEmbedded]) -> None:
    """Write the table by which cohort commands find bags, one row a slide."""
    write_csv(path, INDEX_COLUMNS, map(_row, events))


def _row(event: SlideEmbedded) -> Sequence[object]:
    return event.slide.case_id, event.slide.slide_id, event.slide.digest, event.bag.tiles, event.bag.key


def _copy(store: BlobStore, folder: Path, event: SlideEmbedded) -> None:
    """Copy a bag, which must be the one that its event names, and its plan."""
    plan_key = event.plan.prefix + keys.PLAN
    bag, plan = local_path(folder, event.bag.key), local_path(folder, plan_key)
    if not bag.is_file():
        data = _read(store, event.bag.key, event)
        if sha256(data) != event.bag.digest:
            raise BadEmbeddingsError(f"the bag {event.bag.key} of case {event.slide.case_id} was altered in the bucket")
        _put(bag, data)
    if not plan.is_file():
        _put(plan, _read(store, plan_key, event))


def _read(store: BlobStore, key: str, event: SlideEmbedded) -> bytes:
    try:
        return store.get(key)
    except ObjectChangedError as error:
        raise BadEmbeddingsError(f"{key} of case {event.slide.case_id} is gone from the bucket") from error


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    put(path, data)
