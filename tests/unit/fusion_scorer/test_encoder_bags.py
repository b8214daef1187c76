"""Two encoders embed the same slides: each bundle reads the bags of its own."""

import pytest
from google.protobuf.json_format import MessageToDict
from medulla.v1.events_pb2 import CaseRescoreRequested, SlideEmbedded, SlideRejected

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.errors import EncoderMismatchError
from services.fusion_scorer.promoted import promote
from shared.blob.port import BlobStore
from shared.canonical import canonical_json, digest_of
from shared.slides.embedded import standing
from shared.slides.served_encoders import serve
from tests.support.fusion import ENCODER, clinical_json, digest, features, store_slide, write_bundle
from tests.support.scorer import CASE, Scorer

OTHER = digest(b"the other encoder")
ROWS = {ENCODER: features((0, 2)), OTHER: features((0, 8))}


def embed(scorer: Scorer, slide: str, encoder: str) -> list[CaseRescoreRequested]:
    """A bag of the slide by this encoder; the requests that follow."""
    event = store_slide(scorer.store, CASE, slide, ROWS[encoder], pixels=slide.encode())
    event.bag.encoder_digest = encoder
    return list(scorer.index_slide(event))


def promote_other(scorer: Scorer) -> None:
    entries = {"name": "other", "encoder": {"name": "other", "digest": OTHER}}
    promote(scorer.store, write_bundle(scorer.folder / "other", entries=entries))


def bags(scorer: Scorer) -> list[str]:
    return [slide.bag_digest for slide in scorer.score().provenance.slides]


def test_a_bundle_reads_the_bags_of_its_encoder_and_the_next_one_those_of_the_other(scorer: Scorer) -> None:
    for encoder in (OTHER, ENCODER):
        embed(scorer, "A", encoder)
    events = {event.bag.encoder_digest: event.bag.digest for event in standing(scorer.store, CASE)}
    first = bags(scorer)
    promote_other(scorer)
    assert [event.case_id for event in scorer.rescored()] == [CASE]
    assert (first, bags(scorer)) == ([events[ENCODER]], [events[OTHER]])


def test_a_bag_of_another_encoder_alone_is_refused_unless_one_of_the_right_one_is_to_come(scorer: Scorer) -> None:
    scorer.land("clinical/MB-1.json", clinical_json(stage="M1"))
    assert [request.case_id for request in embed(scorer, "A", OTHER)] == [CASE]
    with pytest.raises(EncoderMismatchError):
        scorer.score_case(CASE)
    serve(scorer.store, "embedder", "toy-encoder", ENCODER)
    assert embed(scorer, "A", OTHER) == []
    score = scorer.score()
    assert [(slide.slide_id, slide.reason) for slide in score.left_out] == [("A", "not_embedded")]
    assert [request.case_id for request in embed(scorer, "A", ENCODER)] == [CASE]
    assert not scorer.score().left_out
    serve(scorer.store, "embedder", "other", OTHER)
    embed(scorer, "B", OTHER)
    with pytest.raises(EncoderMismatchError):
        scorer.score_case(CASE)


def test_a_promoted_bundle_leaves_a_case_its_score_until_its_encoder_has_embedded_it(scorer: Scorer) -> None:
    embed(scorer, "A", ENCODER)
    before = scorer.score_case(CASE)
    serve(scorer.store, "embedder-other", "other", OTHER)
    promote_other(scorer)
    assert scorer.rescored() == []
    assert scorer.landing.sweep_cases() == 0
    requests = embed(scorer, "A", OTHER)
    (after,) = [event for request in requests for event in scorer.rescore(request)]
    assert not isinstance(after, SlideRejected)
    assert after.revision > before.revision


def test_an_entry_of_an_older_program_gives_way_to_that_of_the_same_encoder(scorer: Scorer) -> None:
    event = store_slide(scorer.store, CASE, "A", ROWS[ENCODER], pixels=b"A")
    _put_nameless(scorer.store, event)
    assert [each.bag.digest for each in standing(scorer.store, CASE)] == [event.bag.digest]
    embed(scorer, "A", OTHER)
    assert len(standing(scorer.store, CASE)) == 2
    event.plan.digest = digest(b"a newer plan")
    scorer.index_slide(event)
    assert sorted(each.plan.digest == event.plan.digest for each in standing(scorer.store, CASE)) == [False, True]
    assert len(CaseIndex(scorer.store).entries(CASE)) == 2


def _put_nameless(store: BlobStore, event: SlideEmbedded) -> None:
    """The index entry as programs wrote it that knew one encoder."""
    version = digest_of([[event.slide.object.key, event.slide.object.etag]])[:24]
    store.put(f"cases/{CASE}/slides/A@{version}.json", canonical_json(MessageToDict(event)))
