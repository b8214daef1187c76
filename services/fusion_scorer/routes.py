"""The scorer as routes of a worker: the same for the service and for everything in one process."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from medulla.v1.events_pb2 import CaseEraseRequested, CaseRescoreRequested, SlideEmbedded

from services.fusion_scorer.background import RescoreInBackground, StopLooks, after_promotion
from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.changes import CaseChanges
from services.fusion_scorer.encoder_bags import PassedOver
from services.fusion_scorer.erase import EraseCase, Forget
from services.fusion_scorer.handler import IndexSlide, RescoreCase
from services.fusion_scorer.landed_input import PREFIXES
from services.fusion_scorer.on_landing import OnLanding
from services.fusion_scorer.promoted import Bundles
from services.fusion_scorer.refusal import SERVICE, RefuseScore
from services.fusion_scorer.score_case import ScoreCase
from shared import model_keys
from shared.blob.port import BlobInfo, BlobStore
from shared.bus import s3_events, topics
from shared.bus.events import decoder, to_record
from shared.bus.port import Producer
from shared.bus.s3_events import ObjectHint
from shared.erased import drop_erased
from shared.home import Home
from shared.model.record import ReadRecord, parse_record
from shared.rescoring import BackgroundStop
from shared.route import Route
from shared.units import CaseId, Sha256


def on_landing(
    store: BlobStore, bundles: Bundles, producer: Producer, read_record: ReadRecord = parse_record
) -> OnLanding:
    """The handler of landed objects, which is also what the sweep asks."""

    def announce(event: CaseRescoreRequested) -> None:
        producer.send([to_record(event, SERVICE)])

    index = CaseIndex(store)
    return OnLanding(store, index, CaseChanges(store, index), bundles, announce, read_record)


def routes(
    store: BlobStore,
    bundles: Bundles,
    producer: Producer,
    program_version: str,
    forget_letters: Forget,
    home: Home,
    read_record: ReadRecord = parse_record,
) -> Sequence[Route[Any]]:
    """Everything that the scorer listens to."""

    landing, index = on_landing(store, bundles, producer, read_record), CaseIndex(store)
    score_case = _score_case(store, bundles, producer, program_version, home, read_record)
    rescore, refuse = RescoreCase(score_case, index), RefuseScore(store)
    kept = (
        Route(
            topics.S3_EVENTS,
            s3_events.decoder(home),
            landing,
            landing.rejected,
            s3_events.splitter(home),
            s3_events.context,
            may_crash=_is_read,
            reported=landing.reported,
        ),
        Route(topics.SLIDES_EMBEDDED, decoder(SlideEmbedded), IndexSlide(index, PassedOver(store, bundles))),
        Route(topics.CASES_RESCORE, decoder(CaseRescoreRequested), rescore, refuse, reported=refuse.reported),
        Route(
            topics.CASES_RESCORE_BACKGROUND,
            decoder(CaseRescoreRequested),
            RescoreInBackground(rescore, StopLooks(BackgroundStop(store))),
            refuse,
            reported=refuse.reported,
        ),
    )
    erase = Route(topics.CASES_ERASE, decoder(CaseEraseRequested), EraseCase(store, forget_letters))
    return (*drop_erased(kept, store), erase)


def _score_case(
    store: BlobStore, bundles: Bundles, producer: Producer, program_version: str, home: Home, read_record: ReadRecord
) -> ScoreCase:
    """The scoring of a case, which publishes at once what else is to be done."""

    def embed_again(file: BlobInfo) -> None:
        producer.send([s3_events.announcement(home, file.key, file.etag)])

    def score_again(case: CaseId, bundle: Sha256, since: datetime) -> None:
        producer.send([to_record(request, SERVICE) for request in after_promotion(bundle, since, [case])])

    return ScoreCase(
        store, bundles, program_version, embed_again=embed_again, score_again=score_again, read_record=read_record
    )


def _is_read(hint: ObjectHint) -> bool:
    """Whether an object's bytes are read: not those that services write, or each mark of an attempt made another."""
    return hint.key.startswith(PREFIXES) or hint.key == model_keys.CURRENT_BUNDLE
