"""Reads a cohort table."""

from collections.abc import Mapping
from pathlib import Path

from services.trainer.cohort import cohort
from services.trainer.cohort.add_vectors import add_vectors
from services.trainer.cohort.column_map import load_map
from services.trainer.cohort.table import read_cohort
from services.trainer.profile import load_profile


class Cohort(cohort.Cohort):
    """Patients in the order of their table: `values` [n, variables of the profile], and `outcome` in years."""

    @classmethod
    def read(
        cls,
        table: str | Path,
        *,
        profile: str | Path | None = None,
        columns: str | Path | None = None,
        vectors: Mapping[str, str | Path] | None = None,
    ) -> "Cohort":
        """Read a table (CSV or Excel) with one row a patient, as `medulla train` and `medulla evaluate` do.

        `profile` is a file or the name of one that ships, by default medulloblastoma; `columns` maps other names and
        words to the profile's; `vectors` has the table of each block of vectors. `values` holds numbers in the
        profile's units and, for words, their position among the levels; NaN where missing.

        >>> _ = Path("cohort.csv").write_text('''case_id,age_at_diagnosis_years,chang_m_stage,time_days,event_code
        ... MB-1,6.4,M2,420,1
        ... MB-2,3.1,,1830,0
        ... ''')
        >>> cohort = medulla.Cohort.read("cohort.csv")
        >>> cohort.case_ids, cohort.outcome.time.round(2), cohort.outcome.event
        (('MB-1', 'MB-2'), array([1.15, 5.01]), array([1, 0]))
        >>> cohort.column("chang_m_stage")
        array([ 2., nan])

        Raises:
            medulla.errors.BadCohortError: the table breaks its profile; the text lists every problem.
            medulla.errors.BadProfileError: the profile cannot be read.
            medulla.errors.BadVectorTableError: a table of vectors is refused.
        """
        names = load_map(Path(columns)) if columns else None
        read = read_cohort(Path(table), load_profile(profile), names)
        paths = {block: Path(path) for block, path in (vectors or {}).items()}
        return cls(**vars(add_vectors(read, paths)))
