"""What operators have the running system do again: announce missed inputs, score cases, promote a bundle."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from medulla.v1.events_pb2 import CaseRescoreRequested

from services.fusion_scorer.background import in_background
from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.encoder_bags import encoder_of, is_served
from services.fusion_scorer.errors import UnknownCaseError
from services.fusion_scorer.landed_input import PREFIXES
from services.fusion_scorer.promoted import Bundles, promote
from services.fusion_scorer.routes import on_landing
from services.fusion_scorer.settings import ScorerSettings
from services.fusion_scorer.waiting_cases import waiting_cases
from services.standalone.accepted_reservations import check_reservations
from services.tiler.landings import Landings
from services.tiler.settings import TilerSettings
from services.tiler.unplanned import Unplanned
from shared import keys
from shared.blob.s3 import S3Store
from shared.bus import kafka_backlog, topics
from shared.bus.events import event_id, to_record
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.model.bundle_files import verify
from shared.model.trial import Trial
from shared.rescoring import GROUP, BackgroundStop, RescoringProgress, RescoringRequest, rescoring_progress
from shared.settings import PlatformSettings, load
from shared.slides.listing import SlideListing
from shared.sweep import Sweep
from shared.units import CaseId
from shared.words import counted

_OPERATOR = "operator"


@dataclass
class Swept:
    """The outcome of a sweep."""

    announced: dict[str, int] = field(default_factory=dict)
    """How many objects of each prefix, and cases."""
    failed: list[str] = field(default_factory=list)
    """Keys and cases that could not be checked."""


def sweep() -> Swept:
    """Announce slides, records and vectors without an outcome, and rescore cases with deleted inputs.

    Raises:
        BadSettingsError: MEDULLA_… or TILER_… variables are wrong.
        TransientError: the store or the bus is down.
    """
    platform, tiler = load(PlatformSettings), load(TilerSettings)
    store = S3Store(platform.s3)
    with closing(KafkaProducerAdapter(platform.kafka)) as producer:
        landings = [Landings(store, spec) for spec in tiler.plans]
        slides = Unplanned(store, SlideListing(store), landings, tiler.mpp)
        landing = on_landing(store, Bundles(store), producer)
        swept = Swept()
        for pending, prefixes in ((slides, [keys.SLIDES]), (landing.unseen_inputs, PREFIXES)):
            swept.announced |= Sweep(pending, producer, platform.s3.home, prefixes, swept.failed.append)()
        swept.announced[keys.CASES] = landing.sweep_cases(swept.failed.append)
        return swept


def rescore(cases: Sequence[str]) -> int:
    """Request new scores of cases with the promoted bundle; returns their number.

    If none are named it is all of them, in the background, also where that was stopped before.

    Raises:
        UnknownCaseError: nothing is stored of a named case.
        TransientError: the store or the bus is down.
    """
    platform = load(PlatformSettings)
    index = CaseIndex(S3Store(platform.s3))
    if cases:
        requests = [_request(_known(index, case)) for case in cases]
    else:
        BackgroundStop(index.store).lift()
        RescoringRequest(datetime.now(UTC)).put(index.store)
        requests = list(in_background(map(_request, index.cases())))
    with closing(KafkaProducerAdapter(platform.kafka)) as producer:
        producer.send([to_record(request, _OPERATOR) for request in requests])
    return len(requests)


def stop_rescoring() -> None:
    """Have the requests in the background dropped, until cases are requested again or a bundle is promoted.

    Raises:
        TransientError: the store is down.
    """
    BackgroundStop(S3Store(load(PlatformSettings).s3)).set()


def rescoring() -> RescoringProgress:
    """Ask Kafka and the bucket how far scoring in the background is.

    Raises:
        TransientError: the store or the bus is down.
    """
    platform = load(PlatformSettings)
    backlog = partial(kafka_backlog.unfinished_since, platform.kafka, GROUP, topics.CASES_RESCORE_BACKGROUND)
    return rescoring_progress(S3Store(platform.s3), backlog)


@dataclass(frozen=True)
class Promotion:
    """A bundle that was promoted, and the cases that it cannot score yet."""

    digest: str
    waiting: int
    """Cases with a slide that other encoders have embedded, and not the bundle's."""
    is_served: bool
    """Whether embedders of the bundle's encoder work on the bucket, or it needs none."""

    @property
    def sentence(self) -> str:
        """What becomes of the cases."""
        if not self.waiting:
            return "every case is scored again"
        count = counted(self.waiting, "case")
        if self.is_served:
            return f"every case is scored again, {count} once the bundle's encoder has embedded their slides"
        return f"every case is scored again, and {count} refused: no embedder of the bundle's encoder has embedded them"


def promote_bundle(bundle: Path, *, despite_reservations: bool) -> Promotion:
    """Store and promote a bundle, so that every case is scored again.

    It is verified as the scorer will, also by the key of SCORER_BUNDLE_PUBLIC_KEY.

    Raises:
        ReservationsError: something speaks against its models, which was not accepted.
        BadBundleError: the bundle is not intact.
        TransientError: the store is down.
    """
    check_reservations(verify(bundle).manifest, accepted=despite_reservations)
    store = S3Store(load(PlatformSettings).s3)
    promoted = promote(store, bundle, load(ScorerSettings).public_key(), Trial())
    encoder = encoder_of(promoted)
    if encoder is None:
        return Promotion(promoted.digest, 0, is_served=True)
    return Promotion(promoted.digest, waiting_cases(store, encoder), is_served(store, encoder))


def _known(index: CaseIndex, case: str) -> CaseId:
    known = keys.named_case(case, "the command line")
    if not index.has_case(known):
        raise UnknownCaseError(f"nothing is stored of case {known}")
    return known


def _request(case: CaseId) -> CaseRescoreRequested:
    request = CaseRescoreRequested(case_id=case, cause=_OPERATOR)
    request.as_of.FromDatetime(datetime.now(UTC))
    request.event_id = event_id(CaseRescoreRequested, case, _OPERATOR, request.as_of.ToJsonString())
    return request
