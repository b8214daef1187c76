"""Before and after fine-tuning as figures with intervals, one sentence each, a table and a picture."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.metrics.bootstrap import Bootstrap, Figure, rounded
from services.trainer.metrics.statistic import Difference, Mean, Pairs, Ratio, Statistic, divide
from services.trainer.report.forest import Line, forest_plot
from services.trainer.report.svg import colour
from shared.arrays import Floats, Ints
from tests.studies.labelled_tiles import Tiles

_SEED = 1
_METRICS = {"accuracy": "accuracy", "macro_auc": "macro AUC"}


@dataclass(frozen=True, eq=False)
class Probed:
    """Results of a fold with a seed: probabilities [tested, classes], and the epoch at which training was best."""

    fold: int
    seed: int
    before: Floats
    after: Floats
    best_epoch: int


@dataclass(frozen=True, eq=False)
class ByGroup:
    """A figure of tiles [n] under draws of their groups: a tile counts as often as its patient was drawn."""

    tiles: Statistic
    group: Ints
    """[n] place of each tile's group."""

    def __call__(self, weights: Floats) -> Floats:
        """See Statistic."""
        return self.tiles(weights[:, self.group])


@dataclass(frozen=True, eq=False)
class MeanOfFinite:
    """The mean of the finite figures of a sample."""

    parts: Sequence[Statistic]

    def __call__(self, weights: Floats) -> Floats:
        """See Statistic."""
        figures = np.stack([part(weights) for part in self.parts])
        finite = np.isfinite(figures)
        total = np.where(finite, figures, 0).sum(axis=0)
        return divide(np.asarray(total, np.float64), finite.sum(axis=0).astype(np.float64))


def accuracy(risk: Floats, label: Ints) -> Statistic:
    """Share of tiles whose likeliest class is the right one."""
    return Ratio((risk.argmax(axis=1) == label).astype(np.float64), np.ones(len(label)))


def macro_auc(risk: Floats, label: Ints) -> Statistic:
    """Mean over classes of the area under the curve of one against the rest; ties count half."""
    return MeanOfFinite([_auc(risk[:, k], label == k) for k in range(risk.shape[1])])


def _auc(score: Floats, positive: np.ndarray) -> Statistic:
    cases = np.flatnonzero(positive)
    against = np.tile((~positive).astype(np.float64), (len(cases), 1))
    above = (score[cases, None] > score[None, :]) + 0.5 * (score[cases, None] == score[None, :])
    return Pairs(cases, above * against, against)


def write_report(out: Path, studies: Sequence[tuple[Tiles, Sequence[Probed]]], facts: Mapping[str, Any]) -> None:
    """Write finetuning.json, finetuning.md and finetuning.svg."""
    sets = [_figures(data, results) for data, results in studies]
    out.mkdir(parents=True, exist_ok=True)
    report = {**facts, "sets": sets}
    (out / "finetuning.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    (out / "finetuning.md").write_text(markdown(report), encoding="utf-8")
    rows = [
        Line(
            f"{one['title']}: {_METRICS[metric]}, {when}",
            Figure(**one[metric][when]),
            fill,
            f"{one['patients']} patients",
        )
        for one in sets
        for metric in _METRICS
        for when, fill in (("before", colour("before")), ("after", colour("after")))
    ]
    picture = forest_plot(rows, "Probe on frozen and fine-tuned features, 95 % interval", simulated=False)
    (out / "finetuning.svg").write_text(picture, encoding="utf-8")


def _figures(data: Tiles, results: Sequence[Probed]) -> dict[str, Any]:
    tested = np.flatnonzero(data.tested)
    label, groups = data.label[tested], [data.patients[i] for i in tested]
    figures: dict[str, Any] = {
        "name": data.name,
        "title": data.title,
        "tiles": len(tested),
        "patients": len(set(groups)),
        "blocks": len({data.block[i] for i in tested}),
        "best_epochs": [one.best_epoch for one in results],
    }
    seeds = sorted({one.seed for one in results})
    for name, metric in (("accuracy", accuracy), ("macro_auc", macro_auc)):
        before = [metric(_pooled(data, results, seed, "before"), label) for seed in seeds]
        after = [metric(_pooled(data, results, seed, "after"), label) for seed in seeds]
        figures[name] = _compared(before, after, groups)
        if figures["blocks"] > figures["patients"]:
            figures[name]["by_block"] = _compared(before, after, [data.block[i] for i in tested])["gain"]
    return figures


def _pooled(data: Tiles, results: Sequence[Probed], seed: int, when: str) -> Floats:
    """Probabilities [tested, classes] of one seed, every tile from the fold that had not seen its patient."""
    pooled = np.zeros((len(data.items), len(data.classes)))
    for one in results:
        if one.seed == seed:
            pooled[data.fold == one.fold] = getattr(one, when)
    return pooled[data.tested]


def _compared(before: Sequence[Statistic], after: Sequence[Statistic], groups: Sequence[str]) -> dict[str, Any]:
    names = sorted(set(groups))
    place = np.array([names.index(group) for group in groups], np.int64)
    bootstrap = Bootstrap.of(len(names), _SEED)
    first, then = (ByGroup(Mean(parts), place) for parts in (before, after))
    gain = bootstrap.contrast(Difference(then, first))
    return {
        "before": asdict(bootstrap.figure(first).rounded()),
        "after": asdict(bootstrap.figure(then).rounded()),
        "gain": asdict(gain.rounded()),
        "after_by_seed": [rounded(float(part(np.ones((1, len(groups))))[0])) for part in after],
    }


def markdown(report: Mapping[str, Any]) -> str:
    """The table of both sets, and a sentence for each."""
    lines = [
        "| tiles | figure | before | after | gain |",
        "|---|---|---|---|---|",
        *(
            f"| {one['title']} ({one['tiles']} tiles, {one['patients']} patients) | {title} | "
            f"{_estimate(one[metric]['before'])} | {_estimate(one[metric]['after'])} | "
            f"{_estimate(one[metric]['gain'], '+')} |"
            for one in report["sets"]
            for metric, title in _METRICS.items()
        ),
        "",
        *(_sentence(one) for one in report["sets"]),
        "",
        f"Mean of {report['seeds']} seeds.",
    ]
    return "\n".join(lines) + "\n"


def _sentence(one: Mapping[str, Any]) -> str:
    gain = one["macro_auc"]["gain"]
    block = one["macro_auc"].get("by_block")
    finer = f" (drawing its {one['blocks']} blocks instead: {_estimate(block, '+')})" if block else ""
    return f"{one['title']}: fine-tuning changes macro AUC by {_estimate(gain, '+')}{finer}: {_verdict(gain)}."


def _verdict(gain: Mapping[str, float | None]) -> str:
    low, high = gain["lo"], gain["hi"]
    if low is not None and low > 0:
        return "it helps"
    return "it harms" if high is not None and high < 0 else "no gain shown"


def _estimate(figure: Mapping[str, float | None], sign: str = "") -> str:
    if figure["est"] is None or figure["lo"] is None or figure["hi"] is None:
        return "-" if figure["est"] is None else f"{figure['est']:{sign}.3f}"
    return f"{figure['est']:{sign}.3f} ({figure['lo']:{sign}.3f} to {figure['hi']:{sign}.3f})"
