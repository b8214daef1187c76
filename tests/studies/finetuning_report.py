"""Frozen, tuned and exported encoders as figures with intervals, one sentence each, a table and a picture."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.metrics.bootstrap import Bootstrap, Figure, rounded
from services.trainer.metrics.grouped_auc import macro_auc
from services.trainer.metrics.statistic import Difference, Mean, Ratio, Statistic
from services.trainer.report.forest import Line, forest_plot
from services.trainer.report.svg import colour
from shared.arrays import Floats, Ints
from tests.studies.labelled_tiles import Tiles

_SEED = 1
_MARGIN = 0.01
"""Of macro AUC by which what is exported may be worse than the frozen encoder."""
_METRICS = {"accuracy": "accuracy", "macro_auc": "macro AUC"}
_WAYS = ("frozen", "tuned", "exported")


@dataclass(frozen=True, eq=False)
class Probed:
    """Results of a fold with a seed: probabilities [tested, classes] in three ways, and what the guard chose."""

    fold: int
    seed: int
    frozen: Floats
    tuned: Floats
    """Whatever the guard said; as frozen where too few patients were there to tune."""
    guarded: Floats
    shares: Sequence[float]
    """Of each inner fold, how far it went from the frozen to the tuned weights; none where nothing was tuned."""
    exported: str


def accuracy(risk: Floats, label: Ints, group: Ints) -> Statistic:
    """Share of tiles whose likeliest class is the right one, of drawn patients; group [n] is each tile's patient."""
    right = np.bincount(group, (risk.argmax(axis=1) == label).astype(np.float64))
    return Ratio(right.astype(np.float64), np.bincount(group).astype(np.float64))


def write_report(out: Path, studies: Sequence[tuple[Tiles, Sequence[Probed]]], facts: Mapping[str, Any]) -> None:
    """Write finetuning.json, finetuning.md and finetuning.svg."""
    sets = [_figures(data, results) for data, results in studies]
    out.mkdir(parents=True, exist_ok=True)
    report = {**facts, "sets": sets}
    (out / "finetuning.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    (out / "finetuning.md").write_text(markdown(report), encoding="utf-8")
    fills = (colour("before"), colour("after"), colour("after"))
    rows = [
        Line(f"{data['title']}: {_METRICS[metric]}, {way}", Figure(**data[metric][way]), fill, _patients(data))
        for data in sets
        for metric in _METRICS
        for way, fill in zip(_WAYS, fills, strict=True)
    ]
    picture = forest_plot(rows, "Probe, tuned encoder, and what the guard exports, 95 % interval", simulated=False)
    (out / "finetuning.svg").write_text(picture, encoding="utf-8")


def _patients(data: Mapping[str, Any]) -> str:
    return f"{data['patients']} patients"


def _figures(data: Tiles, results: Sequence[Probed]) -> dict[str, Any]:
    tested = np.flatnonzero(data.tested)
    label = data.label[tested]
    names = sorted({data.patients[i] for i in tested})
    group = np.array([names.index(data.patients[i]) for i in tested], np.int64)
    figures: dict[str, Any] = {
        "name": data.name,
        "title": data.title,
        "tiles": len(tested),
        "patients": len(names),
        "shares": [list(each.shares) for each in results],
        "exported": [each.exported for each in results],
    }
    seeds = sorted({each.seed for each in results})
    for name, metric in (("accuracy", accuracy), ("macro_auc", macro_auc)):
        by_way = {way: [metric(_pooled(data, results, seed, way), label, group) for seed in seeds] for way in _WAYS}
        figures[name] = _compared(by_way, len(names))
    return figures


def _pooled(data: Tiles, results: Sequence[Probed], seed: int, way: str) -> Floats:
    """Probabilities [tested, classes] of one seed, every tile from the fold that had not seen its patient."""
    pooled = np.zeros((len(data.items), len(data.classes)))
    for each in results:
        if each.seed == seed:
            pooled[data.fold == each.fold] = each.guarded if way == "exported" else getattr(each, way)
    return pooled[data.tested]


def _compared(by_way: Mapping[str, Sequence[Statistic]], patients: int) -> dict[str, Any]:
    bootstrap = Bootstrap.of(patients, _SEED)
    means = {way: Mean(parts) for way, parts in by_way.items()}
    gains = {f"gain_{way}": Difference(means[way], means["frozen"]) for way in ("tuned", "exported")}
    ones = np.ones((1, patients))
    return {
        **{way: asdict(bootstrap.figure(mean).rounded()) for way, mean in means.items()},
        **{name: asdict(bootstrap.contrast(gain).rounded()) for name, gain in gains.items()},
        "exported_by_seed": [rounded(float(statistic(ones)[0])) for statistic in by_way["exported"]],
    }


def markdown(report: Mapping[str, Any]) -> str:
    """The table of both sets, and a sentence for each."""
    lines = [
        "| tiles | figure | frozen, probe | tuned, no guard | exported | gain, no guard | gain, exported |",
        "|---|---|---|---|---|---|---|",
        *(_row(data, metric, title) for data in report["sets"] for metric, title in _METRICS.items()),
        "",
        *(_sentence(data) for data in report["sets"]),
        "",
        f"Mean of the seeds {', '.join(map(str, report['seeds']))}. {_verdict(report['sets'])}",
    ]
    return "\n".join(lines) + "\n"


def _row(data: Mapping[str, Any], metric: str, title: str) -> str:
    figures = data[metric]
    cells = [*(_estimate(figures[way]) for way in _WAYS)]
    cells += [_estimate(figures[name], "+") for name in ("gain_tuned", "gain_exported")]
    return f"| {data['title']} ({data['tiles']} tiles, {data['patients']} patients) | {title} | {' | '.join(cells)} |"


def _sentence(data: Mapping[str, Any]) -> str:
    runs, tuned = len(data["exported"]), data["exported"].count("tuned")
    trained = sum(bool(shares) for shares in data["shares"])
    few = "" if trained else " (too few patients to tune)"
    gain = _estimate(data["macro_auc"]["gain_exported"], "+")
    return f"{data['title']}: the guard exported the tuned encoder in {tuned} of {runs} runs{few}; macro AUC {gain}."


def _verdict(sets: Sequence[Mapping[str, Any]]) -> str:
    gains = [data["macro_auc"]["gain_exported"] for data in sets]
    worst = min(gain["est"] for gain in gains)
    harm = "Never worse" if worst >= -_MARGIN else "On one set worse"
    shown = any(gain["lo"] is not None and gain["lo"] > 0 for gain in gains)
    better = "better on one set or more" if shown else "no gain was shown on either set"
    return f"{harm} than the frozen encoder by more than {_MARGIN} of macro AUC; {better}."


def _estimate(figure: Mapping[str, float | None], sign: str = "") -> str:
    if figure["est"] is None or figure["lo"] is None or figure["hi"] is None:
        return "-" if figure["est"] is None else f"{figure['est']:{sign}.3f}"
    return f"{figure['est']:{sign}.3f} ({figure['lo']:{sign}.3f} to {figure['hi']:{sign}.3f})"
