"""A classifier of tiles, and the composition of cases, in a few lines and as a card."""

from collections.abc import Sequence
from pathlib import Path

from services.trainer.metrics.bootstrap import Figure
from services.trainer.tile_classifier.classifier import Manifest, TileClassifier
from services.trainer.tile_classifier.composition import Composition

_HEAD = ("class", "patients", "tiles", "AUC", "sensitivity", "precision", "prevalence")
_FEW = 10
"""Patients of a class below which its figures say little."""
_CAUTION = "Research use only. Shares are expected shares of tiles, not diagnoses."


def classifier_lines(path: Path, classifier: TileClassifier) -> list[str]:
    """What it was made of, and how well it tells classes apart on patients who were left out."""
    manifest = classifier.manifest
    rows = [_HEAD, *_rows(manifest)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    head = f"{path}: classifier of tiles{_mark(manifest)}, digest {classifier.digest}"
    return [head, *_facts(manifest), *table, *_overall(manifest), *_remarks(manifest), _CAUTION]


def card(manifest: Manifest) -> str:
    """The same in Markdown, with the confusion of classes."""
    names = manifest.classes
    confusion = [(name, *map(str, row)) for name, row in zip(names, manifest.figures.confusion, strict=True)]
    parts = [
        f"# Classifier of tiles{_mark(manifest)}",
        _CAUTION,
        _listed(_facts(manifest)),
        "## Figures\n\nOf patients who were left out of the fit, with 95 % intervals from patients drawn again.",
        _table(_HEAD, _rows(manifest)),
        _listed([*_overall(manifest), *_remarks(manifest)]),
        "## Confusion\n\nTiles by their own class (row) and the class they are called (column).",
        _table(("", *names), confusion),
    ]
    return "\n\n".join(parts) + "\n"


def composition_lines(composition: Composition, table: Path, block: str) -> list[str]:
    """Mean share and range of each class, and how to go on."""
    width = max(len(name) for name in composition.classes)
    rows = [
        f"{name:{width}}  {share.mean():6.1%}  ({share.min():.1%} to {share.max():.1%})"
        for name, share in zip(composition.classes, composition.shares.T, strict=True)
    ]
    mark = " of SIMULATED patients" if composition.simulated else ""
    head = f"{table}: expected shares of tiles of {len(composition.cases)} cases{mark}, mean and range"
    profile = f"Name the block in a profile: {{name: {block}, source: vectors, title: histology composition}};"
    return [head, *rows, f"{profile} then --vectors {block}={table}.", _CAUTION]


def _facts(manifest: Manifest) -> list[str]:
    encoder = f"{manifest.encoder_name} {manifest.encoder_digest[:12]}"
    return [
        f"encoder {encoder}, {manifest.dim} features of tiles of {manifest.tile_px} px, {manifest.tile_um:g} um",
        f"labels: {manifest.tiles} tiles of {manifest.patients} patients, table {manifest.tiles_digest[:12]}",
    ]


def _rows(manifest: Manifest) -> list[tuple[str, ...]]:
    return [
        (row.name, str(row.patients), str(row.tiles), *map(_shown, (row.auc, row.sensitivity, row.precision)), share)
        for row, share in zip(manifest.figures.classes, _prevalence(manifest), strict=True)
    ]


def _prevalence(manifest: Manifest) -> list[str]:
    """Of each class among all tiles of the embeddings, as the classifier estimates it."""
    return [f"{share:.1%}" for share in manifest.prevalence]


def _overall(manifest: Manifest) -> list[str]:
    figures = manifest.figures
    return [
        f"balanced accuracy {_shown(figures.balanced_accuracy)}",
        f"overconfidence {_shown(figures.overconfidence)}; 0 is calibrated, with all classes equally common",
    ]


def _remarks(manifest: Manifest) -> list[str]:
    few = [row.name for row in manifest.figures.classes if row.patients < _FEW]
    caveat = [f"fewer than {_FEW} patients, too few to rely on: {', '.join(few)}"] if few else []
    return [*manifest.notes, *caveat]


def _shown(figure: Figure) -> str:
    if figure.est is None:
        return "undefined"
    if figure.lo is None or figure.hi is None:
        return f"{figure.est:.2f}"
    return f"{figure.est:.2f} ({figure.lo:.2f} to {figure.hi:.2f})"


def _mark(manifest: Manifest) -> str:
    return " (SIMULATED)" if manifest.simulated else ""


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
