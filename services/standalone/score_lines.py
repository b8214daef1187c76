"""A score in a few lines of text, for the terminal."""

from collections.abc import Iterator

from medulla.v1.scorer_pb2 import Score, SlideEvidence

from shared.export import composition_text, prototype_text, quality_text, risk_text, score_text

_CONTRIBUTIONS = 6


def score_lines(score: Score) -> list[str]:
    """Lines on a score, the most important first."""
    return [
        *_banner(score),
        *(f"LOOK FIRST: {sentence}" for sentence in score_text.attention_needed(score)),
        "",
        *_risk(score),
        *_beside(score),
        *_inputs(score),
        *_reasons(score),
        *(score_text.reading(reading) for reading in score.readings),
        *map(score_text.vector, score.vectors),
        *(line for slide in score.slides for line in _slide(slide, score)),
        *([prototype_text.MEANING] if score.prototypes else []),
        "",
        *_provenance(score),
    ]


def _banner(score: Score) -> Iterator[str]:
    yield f"Case {score.case_id}. {score.notice}"
    if score.simulated:
        yield "SIMULATED: the model was fitted on simulated patients; its numbers say nothing about any child."


def _risk(score: Score) -> Iterator[str]:
    if score.abstained:
        yield f"No risk is given: {score.abstained_reason}"
        return
    for risk in score.risks:
        yield f"Risk of relapse within {risk.horizon_years:g} years: {risk_text.interval(risk)}"
    if score.HasField("certainty"):
        yield f"Certainty: {risk_text.certainty(score)}; {score.certainty.rule}"
    if score.risk_group_rule:
        yield f"Risk group: {risk_text.group(score) or 'none is given'} ({score.risk_group_rule})"
    yield f"Log-risk higher than that of {score.percentile:.0f} of 100 patients of the training cohort."


def _beside(score: Score) -> Iterator[str]:
    """What a reader compares the risk with."""
    yield from filter(None, (risk_text.cohort(score), risk_text.record_only(score), risk_text.rule(score)))
    yield from (f"Risk {line}." for line in risk_text.event_free(score))
    yield from (score_text.sentence(risk_text.missing(item)) for item in risk_text.missing_variables(score))


def _inputs(score: Score) -> Iterator[str]:
    used, missing = (score_text.titles(names, "none") for names in (score.modalities_used, score.modalities_missing))
    yield f"Model: {score_text.model(score)}; inputs used: {used}; inputs missing: {missing}."
    if score.modalities_left_aside:
        aside = score_text.titles(score.modalities_left_aside, "")
        yield f"Known but left aside, because the bundle has no model of just these blocks: {aside}."
    if score.HasField("out_of_distribution"):
        yield f"The case lies {score_text.distance(score.out_of_distribution)}."


def _reasons(score: Score) -> Iterator[str]:
    ordered = sorted(score.contributions, key=lambda item: -abs(item.log_hazard))[:_CONTRIBUTIONS]
    if ordered:
        yield "Why (share of the log hazard): " + "; ".join(
            f"{score_text.plain(item.label)} {item.value}: {item.log_hazard:+.2f}" for item in ordered
        )
    for item in ordered:
        if item.columns:
            yield f"  {score_text.block(item)}, columns that moved it most: {score_text.columns(item)}"


def _slide(slide: SlideEvidence, score: Score) -> Iterator[str]:
    counts = ", ".join(f"{count} {name}" for name, count in quality_text.counts(slide))
    remarks, mpp = quality_text.remarks(slide), quality_text.resolution(slide, "um/px")
    source = f" from {slide.mpp_source}" if slide.mpp_x else ""
    yield f"{score_text.slide_title(slide, score)}: {counts}; {remarks}; {mpp}{source}"
    if slide.HasField("out_of_distribution"):
        yield f"  by itself {score_text.distance(slide.out_of_distribution)}"
    if composition := composition_text.shares(score, slide):
        yield f"  {composition}"
    yield from (f"  {line}" for line in prototype_text.prototype_lines(score, slide))


def _provenance(score: Score) -> Iterator[str]:
    provenance = score.provenance
    yield f"Provenance: score {score.score_id[:12]}, Medulla {provenance.program_version}"
    yield f"  bundle   {provenance.bundle_name} {provenance.bundle_digest[:12]}"
    yield f"  encoder  {provenance.encoder_name or 'none'} {provenance.encoder_digest[:12]}"
    yield f"  clinical {provenance.clinical_digest[:12] or 'none'}"
    for vector in provenance.vectors:
        yield f"  vector   {vector.block} {vector.digest[:12]}"
    for slide in provenance.slides:
        yield f"  slide    {slide.slide_id} {slide.slide_digest[:12]}, plan {slide.plan_digest[:12]}"
