"""The whole cross-validation: checks, splits, folds, figures, and the files of a report."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.arms.registry import PRIMARY, record_arm, shown_arms
from services.trainer.arms.rule import RULE
from services.trainer.cohort.cohort import DAYS_A_YEAR, Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.cohort.leaks import check_within
from services.trainer.cohort.slide_notes import slide_notes
from services.trainer.cohort.validation import validate_cohort
from services.trainer.evaluation import tables
from services.trainer.evaluation.contrasts import contrasts, sentence
from services.trainer.evaluation.controls import permute_outcome
from services.trainer.evaluation.figures import FEWER, arm_figures, decision_curve, metrics
from services.trainer.evaluation.hazard_ratios import hazard_ratios
from services.trainer.evaluation.pooled import Pooled, pool
from services.trainer.evaluation.run import Job, RawResults, run_all
from services.trainer.evaluation.secondary import secondary
from services.trainer.evaluation.splits import Splits, draw_splits, folds_without_events, load_splits
from services.trainer.metrics.bootstrap import Bootstrap, rounded
from services.trainer.slides.projection import fit_projection
from services.trainer.slides.prototypes import prototypes
from shared.arrays import Flags
from shared.files import put
from shared.notice import NOTICE
from shared.progress import Advance


@dataclass(frozen=True)
class Plan:
    """How to cross-validate."""

    repeats: int = 5
    folds: int = 5
    seed: int = 1
    by_site: bool = False
    frozen: Path | None = None
    """A splits.json to use instead of drawing."""
    workers: int = 1
    samples: int = 2000


def evaluate(cohort: Cohort, embeddings: Embeddings | None, plan: Plan, out: Path, advance: Advance) -> dict[str, Any]:
    """Cross-validate every arm; writes splits, predictions.csv and report.json into `out` and gives the report.

    Finished folds stay there until `run.forget`, so that a run that is stopped after them goes on too.

    Raises:
        UnusableCohortError, LeakError, BadEmbeddingsError: before anything is fitted.
    """
    cohort, notes = validate_cohort(cohort, plan.folds)
    notes += slide_notes(cohort, embeddings)
    check_within(cohort.case_ids, embeddings)
    out.mkdir(parents=True, exist_ok=True)
    splits = (
        load_splits(plan.frozen, cohort)
        if plan.frozen
        else draw_splits(cohort, plan.repeats, plan.folds, plan.seed, by_site=plan.by_site)
    )
    notes += folds_without_events(splits, cohort)
    _replace_splits(splits, out)
    raw = run_all(Job(cohort, embeddings, splits, plan.seed, out), plan.workers, advance)
    pooled = pool(cohort, raw.folds, splits.fold_of)
    has = embeddings.has(cohort.case_ids) if embeddings else None
    bootstrap = Bootstrap.of(len(cohort), plan.seed, plan.samples)
    report = assemble("evaluate", pooled, has, notes, bootstrap)
    report |= {"splits": splits.digest, "grouped_by": splits.grouped_by, "seed": plan.seed}
    permuted = pool(permute_outcome(cohort, plan.seed), raw.permuted, splits.fold_of[:1])
    report |= {
        "repeats": splits.repeats,
        "folds": splits.folds,
        "negative_controls": control_figures(raw, permuted, bootstrap),
    }
    report["embeddings"] = embeddings.digest if embeddings else None
    report["prototypes"] = _prototypes(cohort, embeddings, plan.seed, out)
    write_report(report, pooled, out)
    return report


def _replace_splits(splits: Splits, out: Path) -> None:
    """Write the splits; a report of other splits is removed first."""
    beside = out / "splits.json"
    if beside.exists() and beside.read_bytes() != splits.content:
        for name in ("report.html", "report.json", "predictions.csv", "prototypes.csv"):
            (out / name).unlink(missing_ok=True)
    splits.write(out)


def _prototypes(cohort: Cohort, embeddings: Embeddings | None, seed: int, out: Path) -> list[dict[str, Any]]:
    """Clusters of tiles with their hazard ratios; writes each patient's shares to prototypes.csv."""
    if embeddings is None:
        return []
    members = np.flatnonzero(embeddings.has(cohort.case_ids))
    names = [cohort.case_ids[i] for i in members]
    result = prototypes(fit_projection(embeddings, names, [cohort.sites[i] for i in members]), cohort, embeddings, seed)
    header = ["case_id", *(f"share_{k}" for k in range(result.shares.shape[1]))]
    shares = ([case, *(f"{share:.6g}" for share in row)] for case, row in zip(result.cases, result.shares, strict=True))
    write_rows(out / "prototypes.csv", [header, *shares])
    rows: list[dict[str, Any]] = result.as_json()["prototypes"]
    return [{name: value for name, value in row.items() if name != "centre"} for row in rows]


def assemble(kind: str, pooled: Pooled, has: Flags | None, notes: list[str], bootstrap: Bootstrap) -> dict[str, Any]:
    """The parts of report.json that an evaluation and a validation share."""
    cohort = pooled.cohort
    result = contrasts(pooled, bootstrap)
    primary = next((item for item in result if item["primary"]), None)
    shown = [name for name in shown_arms(cohort.profile) if name in pooled.arms]
    return {
        "version": 1,
        "kind": kind,
        "simulated": cohort.simulated,
        "notice": NOTICE,
        "profile": {
            "name": cohort.profile.name,
            "title": cohort.profile.title,
            "population": cohort.profile.population,
            "prediction_time": cohort.profile.prediction_time,
            "has_times": cohort.has_times,
            "labels": {variable.name: variable.shown for variable in cohort.profile.variables},
        },
        "horizons_years": list(pooled.horizons),
        "cohort": tables.cohort_summary(cohort, has, bootstrap),
        "notes": notes,
        "arms": {name: arm_figures(pooled, name, bootstrap) for name in pooled.arms},
        "absent": dict(pooled.absent),
        "contrasts": result,
        "primary": sentence(primary, pooled),
        "secondary": secondary(pooled, bootstrap),
        "decision_curve": decision_curve(pooled, shown, bootstrap),
        "prototypes": [],
        "risk_groups": [
            tables.risk_groups(pooled, name, bootstrap)
            for name in shown
            if name in (RULE, record_arm(cohort.profile), PRIMARY)
        ],
        "subgroups": tables.subgroups(pooled, bootstrap),
        "modalities": tables.modalities(pooled, bootstrap, has),
        "table_one": tables.table_one(cohort),
        "hazard_ratios": hazard_ratios(cohort),
        "bootstrap": {"samples": len(bootstrap.weights), "fewer": min(FEWER, len(bootstrap.weights)), "level": 0.95},
    }


def control_figures(raw: RawResults, permuted: Pooled, bootstrap: Bootstrap) -> dict[str, Any]:
    """Means of the draws with the interval of that mean; and of one dealing of the outcome, C of every arm."""
    parts = {
        "permuted_outcome_c": [control.permuted_c for control in raw.controls],
        "random_feature_gain": [control.random_gain for control in raw.controls],
    }
    figures = {}
    for name, values in parts.items():
        mean, error = float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))
        spread = 2.262 * error  # t quantile of 9 degrees of freedom
        ends = {"est": rounded(mean), "lo": rounded(mean - spread), "hi": rounded(mean + spread)}
        figures[name] = ends | {"draws": [rounded(value) for value in values]}
    return figures | {"permuted_outcome_by_arm": _by_arm(permuted, bootstrap)}


def _by_arm(permuted: Pooled, bootstrap: Bootstrap) -> dict[str, Any]:
    """Harrell's C of every arm but the null, with an interval over patients."""
    smaller = Bootstrap(bootstrap.weights[:FEWER])
    of = metrics(permuted)["harrell_c"]
    arms = {name: arm.known for name, arm in permuted.arms.items() if name != "null"}
    return {name: smaller.figure(permuted.figure(name, index, of)).as_json() for name, index in arms.items()}


def write_report(report: dict[str, Any], pooled: Pooled, out: Path) -> None:
    """Write report.json and predictions.csv, each whole or not at all."""
    put(out / "report.json", (json.dumps(report, indent=1, allow_nan=False) + "\n").encode())
    _write_predictions(pooled, out / "predictions.csv")


def _write_predictions(pooled: Pooled, path: Path) -> None:
    arms = list(pooled.arms.values())
    header = ["case_id", "repeat", "fold", "time_days", "event_code"]
    header += [f"{arm.name}.{value}" for arm in arms for value in ("log_risk", *_risk_names(pooled))]
    rows = (
        _row(pooled, repeat, int(folds[i]), i)
        for repeat, folds in enumerate(pooled.fold_of)
        for i in range(len(pooled.cohort))
    )
    write_rows(path, [header, *rows])


def write_rows(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows of comma-separated text, whole or not at all."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    put(path, text.getvalue().encode())


def _risk_names(pooled: Pooled) -> list[str]:
    return [f"risk_{years:g}y" for years in pooled.horizons]


def _row(pooled: Pooled, repeat: int, fold: int, i: int) -> list[Any]:
    cohort = pooled.cohort
    causes = cohort.profile.outcome.causes
    row: list[Any] = [cohort.case_ids[i], repeat, fold if fold >= 0 else ""]
    days = f"{cohort.outcome.time[i] * DAYS_A_YEAR:.6g}" if cohort.has_times else ""
    row += [days, causes[int(cohort.outcome.event[i])]]
    for arm in pooled.arms.values():
        result = arm.repeats[repeat]
        values = [result.log_risk[i], *(result.risk[i, pooled.place(years)] for years in pooled.horizons)]
        row += ["" if np.isnan(value) else f"{value:.6g}" for value in values]
    return row
