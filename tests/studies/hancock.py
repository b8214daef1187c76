"""Cross-validation of HANCOCK with every kind of data a block of its own."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.trainer.arms.registry import PRIMARY
from services.trainer.cohort.add_vectors import add_vectors
from services.trainer.cohort.table import read_cohort
from services.trainer.evaluation.evaluate import evaluate
from services.trainer.profile import load_profile
from services.trainer.report.block_gains import block_gains
from shared.model.profile import Profile
from tests.studies.cross_validated import PublicCohortPlan, summary
from tests.studies.hancock_tables import write_tables
from tests.studies.pieces import quiet
from tests.studies.public_cohorts import published_columns

HANCOCK = "hancock"
"""The folder of its tables, and its profile."""
_FEWER = ("blood", "cells")
"""Blocks of vectors of the second evaluation."""


@dataclass(frozen=True)
class HancockPlan(PublicCohortPlan):
    """HANCOCK: all blocks, and the record with blood and cell density alone."""

    @property
    def kind(self) -> str:
        """See Plan."""
        return HANCOCK

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan."""
        if data is None:
            raise ValueError("a public cohort without its folder")
        with published_columns(data, HANCOCK):
            taken, left = write_tables(data / HANCOCK, work)
        profile = load_profile(HANCOCK)
        value = self._evaluated(profile, [block.name for block in profile.vectors], work)
        fewer = self._evaluated(profile, _FEWER, work)
        value["arms"][profile.arm_name([*profile.record_blocks, *_FEWER])] = fewer["arms"][PRIMARY]
        return value | {"taken": taken, "left_out": left}

    def _evaluated(self, profile: Profile, blocks: Iterable[str], work: Path) -> dict[str, Any]:
        """The evaluation of the record and of some blocks of vectors, with the gain by title of each block."""
        tables = {block: work / "vectors" / f"{block}.csv" for block in blocks}
        cohort = add_vectors(read_cohort(work / "cohort.csv", profile), tables)
        out = work / "-".join(["report", *tables])
        report = evaluate(cohort, None, self.evaluation, out, quiet)
        gains = {gain.block.title: gain.contrast.model_dump(mode="json") for gain in block_gains(report)}
        return summary(report.model_dump(mode="json"), out) | {"block_gains": gains}
