"""Of the bags that several encoders made of a slide, the one that a bundle reads."""

from collections.abc import Sequence
from dataclasses import dataclass

from medulla.v1.events_pb2 import SlideEmbedded

from services.fusion_scorer.promoted import Bundles
from shared.blob.port import BlobStore
from shared.errors import PermanentError
from shared.model.bundle import Bundle
from shared.model.manifest import EncoderRef
from shared.slides.embedded import fullest, standing
from shared.slides.served_encoders import served_encoders
from shared.units import CaseId


@dataclass(frozen=True)
class EncoderBags:
    """The embedded slides of a case as a bundle reads them, each once, in order of slide id."""

    counted: Sequence[SlideEmbedded]
    awaited: Sequence[SlideEmbedded] = ()
    """Bags of other encoders, of slides that the bundle's encoder is still to embed."""


def encoder_of(bundle: Bundle) -> EncoderRef | None:
    """The encoder whose bags a bundle reads; None where it reads no slides, so that any bag stands for its slide."""
    return bundle.manifest.encoder if bundle.mil is not None else None


def is_served(store: BlobStore, encoder: EncoderRef) -> bool:
    """Whether a group of embedders serves this encoder, so that its bags are to come."""
    return encoder.digest in served_encoders(store)


def bags_of(store: BlobStore, encoder: EncoderRef | None, events: Sequence[SlideEmbedded]) -> EncoderBags:
    """Choose among the events of slides that stand; a slide counts with a bag of another encoder only where none of
    the right one is to come, so that it is refused."""
    if encoder is None:
        return EncoderBags(fullest(events))
    counted = fullest(event for event in events if event.bag.encoder_digest == encoder.digest)
    read = {event.slide.slide_id for event in counted}
    others = [event for event in fullest(events) if event.slide.slide_id not in read]
    if not others or is_served(store, encoder):
        return EncoderBags(counted, others)
    return EncoderBags(sorted((*counted, *others), key=lambda event: event.slide.slide_id))


def waits(store: BlobStore, encoder: EncoderRef, case: CaseId) -> bool:
    """Whether a slide of the case has bags, and none of this encoder."""
    events = standing(store, case)
    read = {event.slide.slide_id for event in events if event.bag.encoder_digest == encoder.digest}
    return any(event.slide.slide_id not in read for event in events)


@dataclass(frozen=True)
class PassedOver:
    """Whether a new bag changes no score, because the promoted bundle reads another encoder, which embeds it too."""

    store: BlobStore
    bundles: Bundles

    def __call__(self, event: SlideEmbedded) -> bool:
        """Look at the promoted bundle; one that cannot be read is reported with the score.

        While it is loaded, only a bag that the one before would pass over waits for it.
        """
        try:
            promoted = self.bundles.promoted()
            is_passed_over = self._by(promoted.bundle, event)
            if is_passed_over and promoted.awaits:
                return self._by(self.bundles.promoted(waits=True).bundle, event)
        except PermanentError:
            return False
        return is_passed_over

    def _by(self, bundle: Bundle, event: SlideEmbedded) -> bool:
        encoder = encoder_of(bundle)
        return encoder is not None and event.bag.encoder_digest != encoder.digest and is_served(self.store, encoder)
