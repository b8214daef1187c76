"""Events of the tiler; their ids derive from the inputs, so that a retry gives the same event."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from medulla.v1.common_pb2 import Plan, Slide, TileLedger
from medulla.v1.events_pb2 import Progress, SlideRejected, SlideTiled, Stage

from shared import keys
from shared.blob import stored_object
from shared.blob.port import BlobInfo
from shared.bus.events import event_id
from shared.errors import PermanentError
from shared.keys import SlideKey
from shared.slides.listing import version
from shared.times import stamp, when
from shared.units import Sha256

SERVICE = "tiler"


def slide_message(slide: SlideKey, files: Sequence[BlobInfo], digest: Sha256) -> Slide:
    """A slide and the versions of the objects that hold it."""
    first, *others = (stored_object.to_message(info) for info in files)
    return Slide(case_id=slide.case_id, slide_id=slide.slide_id, object=first, digest=digest, files=others)


def files_of(slide: Slide) -> Sequence[BlobInfo]:
    """The versions of the objects that a message names as a slide's files."""
    return [stored_object.from_message(stored) for stored in (slide.object, *slide.files)]


def slide_tiled(slide: Slide, plan: dict[str, Any]) -> SlideTiled:
    """A slide has been planned; `plan` as `plan.json` describes it."""
    digest, files = Sha256(plan["plan_digest"]), [slide.object, *slide.files]
    return SlideTiled(
        event_id=event_id(SlideTiled, slide.case_id, slide.slide_id, version(files), slide.digest, digest),
        slide=slide,
        plan=Plan(
            digest=digest,
            prefix=keys.plan_prefix(Sha256(slide.digest), digest),
            tiles=plan["tiles"],
            tiles_per_chunk=plan["tiles_per_chunk"],
            tile_px=plan["grid"]["tile_px"],
            tile_um=plan["grid"]["tile_um"],
            preprocessing=plan["grid"].get("preprocessing", ""),
        ),
        ledger=TileLedger(**plan["ledger"]),
        as_of=max((file.last_modified for file in files), key=when),
    )


def slide_rejected(slide: SlideKey, key: str, info: BlobInfo | None, error: PermanentError) -> SlideRejected:
    """A slide has been refused; `info` is the version refused, None if the object was deleted."""
    return SlideRejected(
        event_id=event_id(SlideRejected, key, info.etag if info else "", error.reason),
        case_id=slide.case_id,
        slide_id=slide.slide_id,
        object_key=key,
        service=SERVICE,
        reason=error.reason,
        sentence=str(error),
        advice=error.advice,
        thumbnail_key=getattr(error, "thumbnail_key", ""),
        as_of=stamp(info.last_modified) if info else None,
        object_etag=info.etag if info else "",
    )


def progress(slide: SlideKey, files: Sequence[BlobInfo], stage: Stage.ValueType) -> Progress:
    """The slide is now in `stage`."""
    return Progress(
        event_id=event_id(Progress, files[0].key, version(files), Stage.Name(stage)),
        case_id=slide.case_id,
        slide_id=slide.slide_id,
        stage=stage,
        at=stamp(datetime.now(UTC)),
    )
