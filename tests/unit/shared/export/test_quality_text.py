"""Terminal, report and PDF count nothing of a slide that no plan checked, and say that nothing was checked."""

import io

import pypdf
import pytest
from medulla.v1.common_pb2 import TileLedger
from medulla.v1.scorer_pb2 import Score

from services.standalone.report_page import SlidePage, render
from services.standalone.score_lines import score_lines
from shared.export.pdf.report import pdf_report
from tests.support import scores as samples
from tests.support.exports import exported


@pytest.fixture
def score() -> Score:
    """A score of one imported slide without a stated resolution."""
    score = samples.score("MB-1", slides=("A1",))
    slide = score.slides[0]
    slide.ledger.CopyFrom(TileLedger(ok=72))
    slide.qc_flags[:] = ["quality_not_checked"]
    slide.mpp_x = slide.mpp_y = 0
    return score


def readings(score: Score) -> list[str]:
    pages = pypdf.PdfReader(io.BytesIO(pdf_report(exported(score)))).pages
    pdf = " ".join(" ".join(page.extract_text().split()) for page in pages)
    report = render(score, [SlidePage(score.slides[0])]).partition("</style>")[2]
    return ["\n".join(score_lines(score)), report, pdf]


def test_a_slide_that_no_plan_checked_has_no_counts(score: Score) -> None:
    for text in readings(score):
        assert "quality was not checked" in text
        assert "72" in text
        assert "blurred" not in text
        assert "no remark" not in text
        assert "0 x 0" not in text


def test_a_checked_slide_has_its_counts() -> None:
    for text in readings(samples.score("MB-1", slides=("A1",))):
        assert "blurred" in text
        assert "not checked" not in text
