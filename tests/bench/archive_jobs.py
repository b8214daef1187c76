"""The periodic work of every service over a bucket and a database, by name."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from services.embedder.backlog import Backlog
from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.landed_input import PREFIXES
from services.fusion_scorer.late_objects import SweepErased
from services.fusion_scorer.promoted import Bundles
from services.fusion_scorer.routes import on_landing
from services.fusion_scorer.waiting_cases import waiting_cases
from services.results.archive_metrics import MaintainArchive
from services.results.erased_results import SweepErasedResults
from services.results.pending_slides import PendingSlides
from services.results.refused import RefusedUploads
from services.results.sql_archive import Archive
from services.results.sql_store import SqlStore
from services.tiler.landings import Landings
from services.tiler.planner import PlanSpec
from services.tiler.resolution import MppTable
from services.tiler.unplanned import Unplanned
from shared import keys
from shared.blob.port import BlobStore
from shared.bus.memory import MemoryBus
from shared.home import Home
from shared.model.manifest import EncoderRef
from shared.slides.listing import SlideListing
from shared.sweep import Sweep
from tests.bench.stored_cases import GROUP, encoder

Jobs = Mapping[str, Callable[[], object]]


def periodic(store: BlobStore, results: SqlStore) -> Jobs:
    """What runs at intervals, and what a promotion goes over."""
    producer = MemoryBus().producer()
    landing, by = on_landing(store, Bundles(store), producer), encoder()
    slides = Unplanned(store, SlideListing(store), [Landings(store, PlanSpec())], MppTable())
    return {
        "tiler: slides without an outcome": Sweep(slides, producer, Home("bucket"), [keys.SLIDES]),
        "embedder: slides without a bag": Backlog(store, by, producer.send, GROUP, timedelta()),
        "scorer: records and vectors": Sweep(landing.unseen_inputs, producer, Home("bucket"), PREFIXES),
        "scorer: cases with outdated scores": landing.sweep_cases,
        "scorer: objects of erased cases": SweepErased(store),
        "results: slides that wait": PendingSlides(store, results),
        "results: rows of erased cases": SweepErasedResults(store, results),
        "results: refused uploads": RefusedUploads(store, results).forget_removed,
        "results: summaries and counts": results.refresh_summaries,
        "results: archive of scores": MaintainArchive(results.engine, Archive(store)),
        "results: audit record since a checkpoint": results.verify_chain,
        "promotion: all cases": lambda: sum(1 for _ in CaseIndex(store).cases()),
        "promotion: cases that wait": lambda: waiting_cases(store, EncoderRef(name=by.name, digest=by.digest)),
    }
