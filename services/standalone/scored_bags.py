"""Scores one case from its bags in a folder of embeddings, without its slides, and writes its score and report."""

from collections.abc import Iterator
from pathlib import Path

from medulla.v1.scorer_pb2 import Score

from services.fusion_scorer.score import score
from services.fusion_scorer.score_json import to_bytes
from services.standalone.case import Case
from services.standalone.case_score import read_case
from services.standalone.cohort_snapshot import CohortBags, cohort_bags
from services.standalone.errors import CaseWithoutBagsError
from services.standalone.exported_case import STORE
from services.standalone.score_files import ScoredCase, write_score
from services.standalone.workspace import open_workspace
from shared.model.bundle import load
from shared.program import program_version
from shared.words import shown

_CASES_SHOWN = 3


def score_bags(case: Case, embeddings: Path, bundle: Path, out: Path) -> ScoredCase:
    """Score a case from the bags that `embeddings` holds of it; its thumbnails, where it has them, show the map.

    Raises:
        PermanentError: the record, a bag or the bundle is refused, or no bag is of the case.
    """
    bags, loaded = _bags_of(case, embeddings), load(bundle)
    scored = score(loaded, read_case(case, bags, loaded, bundle), program_version())
    store = open_workspace(out / STORE).store
    for key, data in (*scored.attention.items(), *_thumbnails(scored.score, embeddings)):
        store.put(key, data)
    return write_score(store, to_bytes(scored.score), out, lambda _: ())


def _bags_of(case: Case, embeddings: Path) -> CohortBags:
    bags = cohort_bags(embeddings)
    if case.case_id not in bags.rows:
        others = sorted(bags.rows)
        listed = ", ".join([*others[:_CASES_SHOWN], *(["…"] if len(others) > _CASES_SHOWN else [])])
        more = f", but of {listed}" if others else ""
        raise CaseWithoutBagsError(f"{embeddings} holds no slide of case {shown(case.case_id)}{more}")
    return bags


def _thumbnails(scored: Score, embeddings: Path) -> Iterator[tuple[str, bytes]]:
    """Key and contents of the thumbnails that `medulla embed` left in the folder."""
    for slide in scored.slides:
        file = embeddings / slide.thumbnail_key
        if file.is_file():
            yield slide.thumbnail_key, file.read_bytes()
