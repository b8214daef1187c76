"""EVIDENCE.md: the methods of every study as they stand in `methods/`, with the figures of its results."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shared.notice import NOTICE
from tests.studies.claim_rows import claim_criteria
from tests.studies.criteria import criteria, estimate
from tests.studies.finetuning_report import markdown
from tests.studies.goals import goals
from tests.studies.landmarks import landmark_criteria, landmark_section
from tests.studies.monitoring_summary import monitoring_criteria
from tests.studies.rare_slides import rare_slides_criteria
from tests.studies.rare_summary import rare_criteria
from tests.studies.sections import table
from tests.studies.studies import STUDIES, Study

METHODS = Path(__file__).parent / "methods"
Results = Mapping[str, Any]


def document(results: Results, finetuning: Mapping[str, Any] | None = None) -> str:
    """The whole note."""
    quick = any(result["quick"] for result in results.values())
    sections = [
        methods("introduction", level=1),
        "**QUICK: sizes so small that these figures show only that everything runs.**" if quick else "",
        _criteria(results, finetuning),
        methods("limits"),
        *(_study(study, results[study.name]["value"]) for study in STUDIES if study.name in results),
        _finetuning(finetuning) if finetuning else "",
        _controls(results),
        landmark_section(results),
        _runs(results, finetuning),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def methods(name: str, level: int = 2) -> str:
    """A page of `methods/`, its title a heading of `level`."""
    return "#" * (level - 1) + (METHODS / f"{name}.md").read_text(encoding="utf-8").rstrip()


def _criteria(results: Results, finetuning: Mapping[str, Any] | None) -> str:
    header = ("criterion", "measured (95 % interval)", "met")
    value = {name: result["value"] for name, result in results.items()}.get
    added = (
        *monitoring_criteria(value("monitoring")),
        *rare_criteria(value("rare")),
        *rare_slides_criteria(value("rare-slides")),
        *claim_criteria(results),
        *landmark_criteria(results),
        *goals(results, finetuning),
    )
    rows = [criterion.row for criterion in (*criteria(results), *added)]
    return f"## Acceptance criteria\n\n{table(header, rows)}"


def _study(study: Study, value: Mapping[str, Any]) -> str:
    text = methods(study.name)
    figures = [_figure(text, f"{study.stem}-{kind}") for kind in study.pictures(value)]
    return "\n\n".join([text, study.section(value), *figures])


def _finetuning(report: Mapping[str, Any]) -> str:
    text = methods("finetuning")
    return "\n\n".join([text, markdown(report).rstrip(), _figure(text, "finetuning")])


def _figure(text: str, stem: str) -> str:
    return f"![{text.splitlines()[0].lstrip('# ')}](figures/{stem}.svg)"


def _controls(results: Results) -> str:
    rows = [
        (name, estimate(figures["permuted_outcome_c"]), estimate(figures["random_feature_gain"], 4))
        for name, figures in _negative_controls(results)
    ]
    if not rows:
        return ""
    header = ("cross-validation", "C with the outcome permuted (0.5)", "gain by a random feature (0)")
    return f"## Negative controls\n\nTen draws each, with the interval of their mean.\n\n{table(header, rows)}"


def _negative_controls(results: Results) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Of every cross-validation, by its name."""
    for name in ("cavalli", "hancock"):
        if name in results:
            yield name, results[name]["value"]["controls"]
    for effect, figures in results.get("cross-validated", {"value": {}})["value"].items():
        for row in figures["rows"]:
            yield f"SIMULATED, HR {effect}, seed {row['seed']}", row["controls"]


def _runs(results: Results, finetuning: Mapping[str, Any] | None) -> str:
    header = ("study", "command", "seeds", "pieces", "wall, s", "processor, s")
    rows = [_run(name, result) for name, result in results.items()]
    rows += [_finetuning_run(finetuning)] if finetuning else []
    machines = sorted({_machine(result["machine"]) for result in results.values()})
    return (
        "## How it was made\n\nWall times are sums over pieces on a shared machine; processor times are more "
        "reliable, and were not recorded for fine-tuning. Pieces that are missing were not finished in the time that "
        f"there was.\n\n{table(header, rows)}\n\n" + "\n".join(f"- {line}" for line in machines) + f"\n\n{NOTICE}"
    )


def _run(name: str, result: Mapping[str, Any]) -> tuple[object, ...]:
    seeds = ", ".join(map(str, result["seeds"]))
    pieces = f"{result['pieces']} of {result['planned']}"
    return (name, f"`{result['command']}`", seeds, pieces, result["wall_s"], result["cpu_s"])


def _finetuning_run(report: Mapping[str, Any]) -> tuple[object, ...]:
    seeds, runs = ", ".join(map(str, report["seeds"])), sum(len(data["exported"]) for data in report["sets"])
    return ("finetuning", "`make science ONLY=finetuning`", seeds, f"{runs} of {runs}", "-", "-")


def _machine(machine: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in machine.items())
