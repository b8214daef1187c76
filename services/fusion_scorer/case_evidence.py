"""A case as the models of a bundle read it: log-risks of slides and vectors beside the values of the record."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.fusion_scorer import ood
from services.fusion_scorer.composition import Composition, compose, vector_of_slides
from services.fusion_scorer.inputs import CaseInputs
from services.fusion_scorer.slide_check import CheckedSlides, check_slides
from services.fusion_scorer.slide_risk import SlideRisk, check_encoders, pool_slides
from services.fusion_scorer.vectors import VectorRisk, vector_risks
from shared.model.bundle import Bundle
from shared.model.case_values import CaseValues
from shared.model.variable import Value


@dataclass(frozen=True, eq=False)
class CaseEvidence:
    """All that the models of a bundle may read of a case."""

    bundle: Bundle
    checked: CheckedSlides
    slide_risk: SlideRisk | None
    composition: Composition | None
    vectors: tuple[VectorRisk, ...]
    values: Mapping[str, Value]
    """By variable: those of the record, and the log-risk of each block of slides or vectors."""

    def value(self, name: str) -> Value | None:
        """The value of a variable, the rule's answer included; None where it is missing."""
        rule = self.bundle.manifest.profile.rule_variable
        if not rule or name != rule.name:
            return self.values.get(name)
        (answer,) = CaseValues.of_case(self.bundle.manifest.profile, self.values).column(name)
        return None if np.isnan(answer) else rule.levels[int(answer)]

    def distances(self, arm: str) -> list[ood.Distance]:
        """How far that lies from training which an arm reads."""
        profile = self.bundle.manifest.profile
        used = profile.inputs_of(column.variable for column in self.bundle.arms[arm].columns)
        values = {name: value for name, value in self.values.items() if name in used}
        slides = profile.slides
        pooled = self.slide_risk.pooled if self.slide_risk and slides and slides.log_risk in used else None
        vectors = (risk.distance for risk in self.vectors if risk.block.log_risk in used)
        return [*ood.case_distances(self.bundle.reference, pooled, values), *filter(None, vectors)]


def case_evidence(bundle: Bundle, case: CaseInputs) -> CaseEvidence:
    """Check slides, pool and classify them, and take the log-risk of each vector.

    Raises:
        EncoderMismatchError: a bag was made by another encoder than the bundle's.
        BadBundleError: the model of slides answers with something that is no number.
    """
    check_encoders(bundle, case.slides)
    checked = check_slides(bundle.reference.slides, case.slides)
    slide_risk, composition = pool_slides(bundle, checked.used), compose(bundle, checked.used)
    vectors = vector_risks(bundle, case.vectors, vector_of_slides(bundle, case, composition))
    values = dict(case.clinical.values) if case.clinical else {}
    slides = bundle.manifest.profile.slides
    if slide_risk and slides:
        values[slides.log_risk] = slide_risk.log_risk
    values |= {risk.block.log_risk: risk.log_risk for risk in vectors}
    return CaseEvidence(bundle, checked, slide_risk, composition, vectors, values)
