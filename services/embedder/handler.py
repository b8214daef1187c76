"""Embeds a planned slide: one checkpoint per chunk but the last, then one bag, written once."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count

import numpy as np
from medulla.v1.common_pb2 import Plan
from medulla.v1.events_pb2 import SlideEmbedded, SlideTiled

from services.embedder.bag import BagFacts, Part, encode_bag
from services.embedder.bag_store import BagFolder, BagRecord, bag_folder, plan_coords
from services.embedder.chunks import chunks_of
from services.embedder.errors import (
    DamagedChunkError,
    EmptyPlanError,
    EncoderMismatchError,
    TooManyCorruptTilesError,
    TooSlowError,
    UnknownEncoderError,
)
from services.embedder.events import Reporter, embedded
from services.embedder.manifest import EncoderManifest
from services.embedder.ports import Encoder, Notify, Pixels, TileSource
from services.embedder.prefetch import prefetch
from shared import turns
from shared.blob.port import BlobStore, ObjectChangedError
from shared.errors import UnfinishedError
from shared.preprocessing import Preprocessing
from shared.rpc.client import RefusedByServerError
from shared.slides.standing import CHECK_EVERY_S, StandingCheck, check_stands


@dataclass(frozen=True)
class EmbedSlide:
    """One planned slide in, one bag out; running it again finds the stored parts and gives the same event."""

    tiles: TileSource
    encoder: Encoder
    store: BlobStore
    notify: Notify
    max_corrupt: float = 0.05
    """Share of a plan's tiles that may be corrupt, in [0, 1)."""
    progress_every_s: float = 2.0
    turn_s: float = 60.0
    """Time spent on a slide before slides that wait are embedded first."""
    limit_s: float = 6 * 3600.0
    """Time spent on a slide in all its turns before it is refused."""
    check_every_s: float = CHECK_EVERY_S
    """Time between two checks that the slide is still in the bucket."""

    def __call__(self, event: SlideTiled) -> SlideEmbedded:
        """Embed the slide's tiles.

        Raises:
            EncoderMismatchError: the plan was made for another encoder.
            EmptyPlanError: the plan has no tiles.
            TooManyCorruptTilesError: too few of its tiles can be decoded.
            ObjectChangedError: it was overwritten or deleted, its case was erased, or its plan is gone.
            TransientError: the tiler, the encoder or the store is down; finished parts are kept.
            UnfinishedError: the slide has had its turn; finished parts are kept.
            TooSlowError: it has had all of its time; finished parts are kept.
        """
        manifest = self.encoder.manifest
        check_plan(event.plan, manifest)
        check_stands(self.store, event.slide)
        folder = bag_folder(self.store, event, manifest)
        bag = folder.finished() or self._embed_unless_finished(event, folder)
        folder.drop_parts()
        check_stands(self.store, event.slide)
        return embedded(event, bag, manifest)

    def _embed_unless_finished(self, event: SlideTiled, folder: BagFolder) -> BagRecord:
        """Embed; if another worker finished first and removed the parts, return its bag.

        If the tiler found at the end that the bytes were not those that were planned, parts made of them are removed.
        """
        try:
            return self._embed(event, folder)
        except ObjectChangedError:
            if (bag := folder.finished()) is None:
                raise
            return bag
        except RefusedByServerError as error:
            if error.reason == ObjectChangedError.reason:
                folder.drop_parts()
            raise

    def _embed(self, event: SlideTiled, folder: BagFolder) -> BagRecord:
        plan = event.plan
        coords = plan_coords(self.store, plan.prefix)
        if len(coords) != plan.tiles:
            raise DamagedChunkError(f"plan {plan.prefix} holds {len(coords)} tiles, its event says {plan.tiles}")
        parts = self._parts(event, folder)
        bag = encode_bag(parts, coords, _facts(event, self.encoder.manifest))
        return folder.finish(bag, sum(len(each.tiles) for each in parts), _corrupt(parts))

    def _parts(self, event: SlideTiled, folder: BagFolder) -> list[Part]:
        """Every part of the slide: the stored ones, then the others."""
        parts = _stored_parts(folder)
        reporter = Reporter(self.notify, event, self.progress_every_s)
        check = StandingCheck(self.store, event.slide, self.check_every_s)
        self._took_in(event, parts, reporter)
        with closing(prefetch(self._pixels(event, len(parts)))) as chunks:
            for pixels in chunks:
                if pixels.chunk != len(parts):
                    raise DamagedChunkError(f"chunk {pixels.chunk} of {_name(event)} came instead of {len(parts)}")
                parts.append(self._embed_chunk(event, pixels))
                check()
                if len(parts) < chunks_of(event.plan):  # the bag is written at once
                    folder.put_part(pixels.chunk, parts[-1])
                self._took_in(event, parts, reporter)
                self._give_way(event, len(parts))
        if len(parts) != chunks_of(event.plan):
            raise DamagedChunkError(
                f"tiles of {_name(event)} ended after {len(parts)} of {chunks_of(event.plan)} chunks"
            )
        return parts

    def _pixels(self, event: SlideTiled, first: int) -> Iterator[Pixels]:
        if first < chunks_of(event.plan):
            yield from self.tiles.chunks(event.slide, event.plan, first)

    def _embed_chunk(self, event: SlideTiled, pixels: Pixels) -> Part:
        with np.errstate(over="ignore"):
            features = self.encoder.embed(pixels.pixels).astype(np.float16)
        if not np.isfinite(features).all():
            encoder = self.encoder.manifest.name
            raise UnknownEncoderError(f"encoder {encoder} gave values for {_name(event)} that float16 cannot hold")
        return Part(features, pixels.tiles, pixels.corrupt)

    def _took_in(self, event: SlideTiled, parts: list[Part], reporter: Reporter) -> None:
        """Refuse the slide as soon as it is certain that too much of it is corrupt; tell how far it is."""
        corrupt, total = _corrupt(parts), event.plan.tiles
        if corrupt > self.max_corrupt * total:
            raise TooManyCorruptTilesError(
                f"{_name(event)}: {corrupt} or more of {total} tiles are corrupt, allowed are {self.max_corrupt:.0%}"
            )
        reporter.reached(min(total, len(parts) * event.plan.tiles_per_chunk))

    def _give_way(self, event: SlideTiled, parts: int) -> None:
        """End a turn that lasted long, unless all chunks are embedded.

        Raises:
            UnfinishedError: the slide has had its turn.
            TooSlowError: it has had all of its time.
        """
        turn, chunks = turns.current(), chunks_of(event.plan)
        if turn is None or turn.age_s <= self.turn_s or parts == chunks:
            return
        done = f"{_name(event)}: {parts} of {chunks} chunks are embedded"
        spent_s = turn.number * self.turn_s + turn.age_s
        if spent_s > self.limit_s:
            raise TooSlowError(f"{done} after {spent_s / 60:,.0f} min; {self.limit_s / 60:,.0f} min are allowed")
        raise UnfinishedError(done)


def takes(encoder: EncoderManifest, plan: Plan) -> bool:
    """Whether the plan's tiles have the size in pixels and microns, and the preprocessing, that the encoder takes."""
    return _has_size(encoder, plan) and (plan.preprocessing or Preprocessing.AREA) == encoder.preprocessing


def _has_size(encoder: EncoderManifest, plan: Plan) -> bool:
    return plan.tile_px == encoder.input_px and abs(plan.tile_um - encoder.tile_um) <= 1e-6 * encoder.tile_um


def check_plan(plan: Plan, encoder: EncoderManifest) -> None:
    """See that the plan's tiles are those the encoder takes.

    Raises:
        EncoderMismatchError: they have another size in pixels or microns, or another preprocessing.
        EmptyPlanError: there are none.
    """
    if not _has_size(encoder, plan):
        raise EncoderMismatchError(
            f"plan {plan.prefix} has tiles of {plan.tile_px} px and {plan.tile_um:g} um; "
            f"encoder {encoder.name} takes {encoder.input_px} px and {encoder.tile_um:g} um"
        )
    if not takes(encoder, plan):
        raise EncoderMismatchError(
            f"plan {plan.prefix} has tiles made by {plan.preprocessing or Preprocessing.AREA}; "
            f"encoder {encoder.name} takes {encoder.preprocessing}"
        )
    if plan.tiles <= 0 or plan.tiles_per_chunk <= 0:
        raise EmptyPlanError(f"plan {plan.prefix} has no tiles")


def _stored_parts(folder: BagFolder) -> list[Part]:
    stored = folder.stored_parts()
    first_missing = next(number for number in count() if number not in stored)
    return [folder.part(number) for number in range(first_missing)]


def _facts(event: SlideTiled, encoder: EncoderManifest) -> BagFacts:
    return BagFacts(
        slide_digest=event.slide.digest,
        plan_digest=event.plan.digest,
        encoder_digest=encoder.digest,
        encoder_name=encoder.name,
        tile_px=event.plan.tile_px,
        tile_um=event.plan.tile_um,
    )


def _corrupt(parts: list[Part]) -> int:
    return sum(len(each.corrupt) for each in parts)


def _name(event: SlideTiled) -> str:
    return f"slide {event.slide.case_id}/{event.slide.slide_id}"
