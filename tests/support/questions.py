"""A scorer that answers "what if" from made-up scores and remembers the questions."""

import json
from collections.abc import Mapping

from medulla.v1.scorer_pb2 import DescribeFormRequest, DescribeFormResponse, FormBlock, FormVariable, Score
from medulla.v1.scorer_pb2 import ScoreCaseRequest as Question
from typing_extensions import override

from services.results.case_scorer import CaseScorer
from services.results.errors import RefusedQuestionError
from tests.support import answers

OLDEST_YEARS = 120.0
RECORD: Mapping[str, str | float] = {"age_at_diagnosis_years": 4.2, "chang_m_stage": "M2"}
VARIABLES = (
    FormVariable(
        variable="age_at_diagnosis_years",
        label="age at diagnosis",
        kind="numeric",
        unit="years",
        low=0,
        high=OLDEST_YEARS,
        training_low=1,
        training_high=21,
    ),
    FormVariable(variable="chang_m_stage", label="Chang M stage", kind="ordinal", levels=["M0", "M1", "M2"]),
    FormVariable(variable="myc_amp", label="MYC amplification", kind="binary", levels=["no", "yes"]),
)
BLOCKS = (
    FormBlock(block="pathomic", title="slides", source="slides", stored=True),
    FormBlock(block="blood", title="blood counts", source="vectors", stored=True),
    FormBlock(block="texture", title="MRI texture", source="vectors"),
)


class FakeScorer(CaseScorer):
    """Answers every question by a score of its own: uncertain with MYC amplified, of 24 % otherwise."""

    def __init__(self) -> None:
        self.questions: list[Question] = []
        self.record = dict(RECORD)
        self.abstains = False

    @override
    def describe(self, request: DescribeFormRequest, authorization: str) -> DescribeFormResponse:
        """The form of three variables, two of them known."""
        form = DescribeFormResponse(horizons_years=[3, 5], variables=VARIABLES, blocks=BLOCKS)
        form.clinical_record.update(self.record)
        for variable in form.variables:
            variable.block, variable.block_title = "clinical", "clinical"
        return form

    @override
    def score(self, request: Question, authorization: str) -> Score:
        """A score; a record of an age above OLDEST_YEARS is refused."""
        self.questions.append(request)
        record = json.loads(request.clinical_json or "{}")
        if record.get("age_at_diagnosis_years", 0) > OLDEST_YEARS:
            sentence = "age_at_diagnosis_years is 130; allowed is 0 to 120"
            raise RefusedQuestionError(sentence, "bad_clinical_record", "Correct the value.")
        return self._answer(request, amplified=record.get("myc_amp") == "yes")

    def _answer(self, request: Question, *, amplified: bool) -> Score:
        if self.abstains:
            return answers.abstaining(request.case_id)
        if amplified:
            score = answers.uncertain(request.case_id, "crosses_threshold")
            score.remarks.add(code="profile_check", sentence="WNT tumours are hardly ever MYC-amplified.")
            return score
        score = answers.answered(request.case_id)
        score.risks[0].risk, score.risks[0].lo, score.risks[0].hi = 0.24, 0.15, 0.35
        return score
