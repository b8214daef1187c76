"""Describes what a form of "what if" is made of: what a bundle reads, and what is stored of a case."""

from collections.abc import Iterator

from google.protobuf.struct_pb2 import Struct
from medulla.v1.scorer_pb2 import DescribeFormResponse, FormBlock, FormVariable

from services.fusion_scorer.inputs import CaseInputs
from shared.model.bundle import Bundle


def form(bundle: Bundle, case: CaseInputs) -> DescribeFormResponse:
    """Variables and blocks of the bundle's profile, and the case's record as it was read."""
    record = Struct()
    record.update(dict(case.clinical.values) if case.clinical else {})
    return DescribeFormResponse(
        bundle_digest=bundle.digest,
        bundle_name=bundle.manifest.name,
        horizons_years=bundle.manifest.profile.horizons_years,
        variables=_variables(bundle),
        blocks=_blocks(bundle, case),
        clinical_record=record,
    )


def _variables(bundle: Bundle) -> Iterator[FormVariable]:
    profile = bundle.manifest.profile
    for variable in profile.variables:
        trained = bundle.reference.numeric.get(variable.name)
        yield FormVariable(
            variable=variable.name,
            label=variable.shown,
            kind=variable.kind,
            levels=variable.levels,
            unit=variable.unit,
            low=variable.low,
            high=variable.high,
            training_low=trained.low if trained else None,
            training_high=trained.high if trained else None,
            block=variable.block,
            block_title=profile.title_of(variable.block),
        )


def _blocks(bundle: Bundle, case: CaseInputs) -> Iterator[FormBlock]:
    """Blocks of slides and vectors that some model of the bundle reads."""
    stored = {vector.block for vector in case.vectors}
    if bundle.classifier and case.slides:
        stored.add(bundle.classifier.block)
    for block in bundle.manifest.profile.evidence_blocks:
        if block.name in bundle.blocks:
            known = bool(case.slides) if block.source == "slides" else block.name in stored
            yield FormBlock(block=block.name, title=block.title, source=block.source, stored=known)
