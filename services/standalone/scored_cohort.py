"""Scores every case of a table with the code of the fusion scorer, past refused ones; a second run resumes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.json_format import Parse, ParseError
from medulla.v1.scorer_pb2 import Score

from services.fusion_scorer.inputs import CaseInputs
from services.fusion_scorer.score import Scored, score
from services.fusion_scorer.score_json import to_bytes
from services.standalone.case import Case
from services.standalone.case_rows import CaseRow, case_rows
from services.standalone.case_score import read_case
from services.standalone.cohort_files import CohortFiles
from services.standalone.cohort_snapshot import CohortBags, cohort_bags
from services.standalone.console import progress
from services.standalone.errors import refusal
from services.standalone.score_table import CaseOutcome, write_scores
from services.standalone.table_vectors import TableVectors, table_vectors, vectors_of
from shared.errors import PermanentError
from shared.files import put
from shared.model.bundle import Bundle, load
from shared.program import program_version
from shared.units import CaseId


@dataclass(frozen=True, slots=True)
class ScoredCohort:
    """The outcome of each row of the table of cases."""

    outcomes: Sequence[CaseOutcome]

    @property
    def refused(self) -> list[tuple[str, PermanentError]]:
        """Case and error of each row without a score."""
        return [(outcome.case_id, outcome.error) for outcome in self.outcomes if outcome.error]


def score_cohort(files: CohortFiles, bundle: Path, out: Path) -> ScoredCohort:
    """Score the cases of a table into `out`: `scores.csv` and `scores/{case_id}.json`.

    Raises:
        PermanentError: the bundle, the table, the embeddings or a table of vectors is refused as a whole.
    """
    loaded = load(bundle)
    rows = case_rows(files.table, loaded.manifest.profile, files.columns)
    folder = files.bags([row.case_id for row in rows if not row.error])
    scorer = _CohortScorer(
        loaded, bundle, cohort_bags(folder) if folder else None, table_vectors(files.vectors, loaded), out
    )
    (out / "scores").mkdir(parents=True, exist_ok=True)
    outcomes = []
    with progress("cases") as advance:
        for done, row in enumerate(rows, 1):
            outcomes.append(scorer(row))
            advance(done, len(rows))
    write_scores(out / "scores.csv", outcomes, scorer.bundle.manifest.profile.horizons_years)
    return ScoredCohort(outcomes)


@dataclass(frozen=True)
class _CohortScorer:
    """Scores one row."""

    bundle: Bundle
    folder: Path
    """Of the bundle."""
    bags: CohortBags | None
    vectors: Sequence[TableVectors]
    out: Path

    def __call__(self, row: CaseRow) -> CaseOutcome:
        if row.error:
            return CaseOutcome(row.case_id, error=row.error)
        case = Case(CaseId(row.case_id), (), row.record, vectors=vectors_of(self.vectors, row.case_id))
        try:
            return CaseOutcome(case.case_id, self._score(case))
        except Exception as error:  # noqa: BLE001 - any error of a case becomes its row
            refused = refusal(error)
        self._path(case).unlink(missing_ok=True)
        return CaseOutcome(case.case_id, error=refused)

    def _score(self, case: Case) -> Score:
        inputs = read_case(case, self.bags, self.bundle, self.folder)
        finished = self._finished(case, inputs)
        if finished:
            return finished
        scored = score(self.bundle, inputs, program_version())
        self._keep(case, scored)
        return scored.score

    def _finished(self, case: Case, inputs: CaseInputs) -> Score | None:
        """The score of an earlier run from the same inputs by the same bundle and program."""
        try:
            stored = Parse(self._path(case).read_bytes(), Score())
        except (OSError, ParseError, ValueError):
            return None
        same_program = stored.provenance.program_version == program_version()
        return stored if same_program and stored.score_id == inputs.score_id(self.bundle.digest) else None

    def _keep(self, case: Case, scored: Scored) -> None:
        """Write the score, attention maps first."""
        for key, data in scored.attention.items():
            path = self.out / key
            path.parent.mkdir(parents=True, exist_ok=True)
            put(path, data)
        put(self._path(case), to_bytes(scored.score))

    def _path(self, case: Case) -> Path:
        return self.out / "scores" / f"{case.case_id}.json"
