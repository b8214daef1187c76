"""Made-up scores and events for tests: realistic in shape, of no real patient."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from google.protobuf import json_format
from medulla.v1.common_pb2 import StoredObject, TileLedger
from medulla.v1.events_pb2 import STAGE_EMBEDDING, CaseScored, Progress, SlideRejected, Stage
from medulla.v1.scorer_pb2 import (
    Contribution,
    HazardRatio,
    HorizonRisk,
    OutOfDistribution,
    Provenance,
    Score,
    SlideEvidence,
    SlideProvenance,
    TilePrototype,
    TopTile,
)

from shared.notice import NOTICE
from shared.times import stamp

EPOCH = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""When the made-up day starts."""


def digest(text: str) -> str:
    """A digest that a name stands for."""
    return hashlib.sha256(text.encode()).hexdigest()


def at(minutes: float) -> datetime:
    """So many minutes into the made-up day."""
    return EPOCH + timedelta(minutes=minutes)


def slide_evidence(case: str, slide: str, top: Sequence[TopTile] = ()) -> SlideEvidence:
    """A slide of 2220 x 2967 px, tiles of 256 px, with made-up evidence."""
    name = digest(f"{case}/{slide}")
    return SlideEvidence(
        slide_id=slide,
        slide_digest=name,
        ledger=TileLedger(ok=72, background=9, pen=2, blurred=4, corrupt=1),
        qc_flags=["pen_ink"],
        top_tiles=top or [TopTile(x_px=256 * i, y_px=512, attention=0.09 - i / 100) for i in range(5)],
        attention_key=f"attention/{name}/{digest(case)}.safetensors",
        thumbnail_key=f"plans/{name}/{digest('plan')}/thumbnail.jpg",
        width_px=2220,
        height_px=2967,
        tile_width_px=256.5,
        tile_height_px=256.5,
        mpp_x=0.499,
        mpp_y=0.499,
        mpp_source="openslide.mpp-x",
    )


def score(case: str = "MB-0042", version: str = "1", slides: Sequence[str] = ("A1", "A2")) -> Score:
    """A complete fused score; `version` changes its id, as another bundle would."""
    return Score(
        case_id=case,
        score_id=digest(f"{case}#{version}"),
        risks=[
            HorizonRisk(horizon_years=3, risk=0.31, lo=0.22, hi=0.43, level=0.9),
            HorizonRisk(horizon_years=5, risk=0.38, lo=0.27, hi=0.51, level=0.9),
        ],
        risk_group="high",
        risk_group_rule="risk at 3 years is 0.31; high from 0.25 upward",
        model="fused",
        modalities_used=["slides", "clinical"],
        log_risk=0.61,
        percentile=82,
        contributions=contributions(),
        slides=[slide_evidence(case, name) for name in slides],
        out_of_distribution=OutOfDistribution(flagged=False, distance=1.4, limit=2.9),
        provenance=provenance(case, slides),
        simulated=True,
        notice=NOTICE,
    )


def add_prototypes(score: Score, ratios: Sequence[float] = (1.42, 0.7, 1.05)) -> Score:
    """Give a score prototypes, by default of higher, lower and no clear risk; slides show the first three."""
    score.prototypes.extend(
        TilePrototype(
            number=number,
            training_share=1 / len(ratios),
            hazard_ratio=HazardRatio(ratio=ratio, lo=ratio / 1.29, hi=ratio * 1.29, level=0.95),
        )
        for number, ratio in enumerate(ratios)
    )
    for slide in score.slides:
        if slide.attention_key:
            slide.prototype_shares.extend([0.5, 0.38, 0.12, *[0.0] * (len(ratios) - 3)])
    return score


def add_composition(score: Score) -> Score:
    """Give a score three classes of tiles, of which its slides have different shares."""
    score.composition_classes.extend(["plain", "nodules", "necrosis"])
    for slide in score.slides:
        if slide.attention_key:
            slide.composition_shares.extend([0.61, 0.36, 0.03])
    return score


def remarkable(case: str = "MB-0044") -> Score:
    """A score without one of the case's slides, with a remark and with values that were read as others."""
    message = score(case, slides=("HE.svs", "DAB.tif"))
    far = OutOfDistribution(flagged=True, distance=8.4, limit=2.2)
    message.slides[0].out_of_distribution.CopyFrom(OutOfDistribution(flagged=False, distance=1.2, limit=2.2))
    message.slides[1].out_of_distribution.CopyFrom(far)
    message.slides[1].attention_key = ""
    message.slides[1].qc_flags.append("few_tiles")
    del message.slides[1].top_tiles[:]
    sentence = "The staining of slide DAB.tif lies 8.4 from the slides of the training cohort."
    message.left_out.add(slide_id="DAB.tif", reason="out_of_distribution", sentence=sentence)
    message.remarks.add(code="profile_check", sentence="MYC amplification with WNT is rare: look again at both.")
    message.readings.add(variable="molecular_group", label="molecular group", written="Group 3", value="G3")
    return message


def with_vectors(case: str = "MB-0045") -> Score:
    """A score with two blocks of vectors, one of them left aside by the model."""
    message = score(case)
    message.model = "clinical_pathomics_blood"
    message.modalities_used[:] = ["blood counts", "clinical", "slides"]
    message.modalities_left_aside.append("MRI texture")
    blood = message.contributions.add(
        variable="blood", value="1.1 SD", log_hazard=0.25, block="blood", block_title="blood counts"
    )
    blood.columns.add(column="haemoglobin_g_dl", value="8.1", log_hazard=0.31)
    blood.columns.add(column="crp_mg_l", value="missing", log_hazard=-0.04)
    near, far = (OutOfDistribution(flagged=value > 3, distance=value, limit=3) for value in (1.2, 3.4))
    message.vectors.add(
        block="blood", title="blood counts", model_columns=17, known_columns=15, out_of_distribution=near
    )
    message.vectors.add(
        block="texture", title="MRI texture", model_columns=1200, known_columns=1200, out_of_distribution=far
    )
    for block in ("blood", "texture"):
        message.provenance.vectors.add(block=block, digest=digest(f"{case}/{block}"))
    return message


def contributions() -> list[Contribution]:
    """Shares that sum to 0.61."""
    rows = [
        ("molecular_group", "G3", 0.34, "molecular"),
        ("chang_m_stage", "M2", 0.29, "clinical"),
        ("pathomics", "0.8 SD", 0.21, "pathomic"),
        ("myc_amp", "no", -0.12, "molecular"),
        ("age_at_diagnosis_years", "4.2", -0.07, "clinical"),
        ("extent_of_resection", "missing", -0.04, "clinical"),
    ]
    return [Contribution(variable=v, value=x, log_hazard=h, block=b) for v, x, h, b in rows]


def provenance(case: str, slides: Sequence[str]) -> Provenance:
    """Digests of everything the made-up score was made from."""
    return Provenance(
        slides=[
            SlideProvenance(
                slide_id=name,
                slide_digest=digest(f"{case}/{name}"),
                plan_digest=digest("plan"),
                bag_digest=digest(f"bag {case}/{name}"),
            )
            for name in slides
        ],
        clinical_digest=digest(f"clinical {case}"),
        bundle_digest=digest("bundle"),
        bundle_name="demo-simulated",
        encoder_digest=digest("encoder"),
        encoder_name="efficientnet-lite0",
        program_version="0.1.0",
    )


def abstained(case: str = "MB-0043") -> Score:
    """An abstained score, out of distribution."""
    message = score(case)
    message.risk_group = ""
    message.abstained = True
    message.abstained_reason = "The slides look like none in the training cohort (distance 4.8, limit 2.9)."
    message.out_of_distribution.CopyFrom(OutOfDistribution(flagged=True, distance=4.8, limit=2.9))
    return message


def body(message: Score) -> str:
    """The JSON of a score as the scorer stores it."""
    return json_format.MessageToJson(message, preserving_proto_field_name=True, indent=None)


def scored(message: Score, as_of: datetime, inputs: Sequence[tuple[str, str]] = ()) -> CaseScored:
    """The event that announces a score, made from objects of these keys and etags; older programs stated none."""
    return CaseScored(
        event_id=digest(f"{message.score_id}{as_of.isoformat()}")[:32],
        case_id=message.case_id,
        score_id=message.score_id,
        score_key=f"scores/{message.case_id}/{message.score_id}.json",
        score_digest=digest(body(message)),
        as_of=stamp(as_of),
        revision=f"{int(as_of.timestamp() * 1e6):016x}"
        * (len(message.slides) + bool(message.provenance.clinical_digest)),
        inputs=[StoredObject(key=key, etag=etag) for key, etag in inputs],
    )


def withdrawn(case: str, as_of: datetime, *, nothing_left: bool = True) -> CaseScored:
    """The event that says that a case has no score any more."""
    return CaseScored(
        event_id=digest(f"{case} withdrawn {as_of.isoformat()}")[:32],
        case_id=case,
        as_of=stamp(as_of),
        revision=f"{int(as_of.timestamp() * 1e6):016x}",
        withdrawn="All slides, records and vectors of the case were deleted.",
        nothing_left=nothing_left,
    )


def rejected(case: str, slide: str, as_of: datetime, reason: str = "no_tissue") -> SlideRejected:
    """A refused slide; an empty `slide` is a refused clinical record."""
    return SlideRejected(
        event_id=digest(f"{case}/{slide}/{reason}/{as_of.isoformat()}")[:32],
        case_id=case,
        slide_id=slide,
        object_key=f"slides/{case}/{slide}" if slide else f"clinical/{case}.json",
        service="tiler",
        reason=reason,
        sentence=f"Slide {slide} of case {case} has no tissue: 0.0 mm2 found.",
        advice="Look at the thumbnail; scan the slide again if there is tissue on the glass.",
        as_of=stamp(as_of),
    )


def rejected_vector(case: str, block: str, as_of: datetime) -> SlideRejected:
    """A refused vector."""
    message = rejected(case, "", as_of, "bad_vectors")
    message.object_key, message.service = f"vectors/{case}/{block}.json", "fusion_scorer"
    message.sentence = f'the vector {block} of {case} is refused: "hb" is "high"; allowed is a finite number'
    message.advice = "Correct what is named and store the vector again."
    return message


def unscorable(case: str, slide: str, as_of: datetime) -> SlideRejected:
    """A case that cannot be scored: because of one slide's bag, or with an empty `slide` for a reason of its own."""
    message = rejected(case, slide, as_of, "digest_mismatch" if slide else "bad_bundle")
    message.object_key = f"embeddings/{digest(slide)}/bag.safetensors" if slide else ""
    message.service = "fusion_scorer"
    message.sentence = f"The bag of slide {slide} was altered." if slide else "The promoted bundle was altered."
    return message


def progress(case: str, slide: str, done: int, time: datetime, stage: Stage.ValueType = STAGE_EMBEDDING) -> Progress:
    """How far a slide of 400 tiles is."""
    return Progress(
        event_id=digest(f"{case}/{slide}/{stage}/{done}")[:32],
        case_id=case,
        slide_id=slide,
        stage=stage,
        done=done,
        total=400,
        at=stamp(time),
    )
