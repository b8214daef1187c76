"""Repeats the studies that EVIDENCE.md reports: `make science DATA=/folder`, or `python -m tests.studies`.

Finished pieces are kept in OUT/pieces, named after their inputs, so that a stopped run continues.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from services.trainer.engine import default_workers
from shared.errors import MedullaError
from shared.exit_codes import STOPPED
from shared.notice import NOTICE
from tests.studies.document import document
from tests.studies.pieces import Bench, put_json, say
from tests.studies.studies import STUDIES, MissingDataError, Setting, Study

HERE = Path(__file__).parent
RESULTS, FIGURES, NOTE = HERE / "results", HERE / "figures", HERE / "EVIDENCE.md"
"""Where published results are kept."""
_FINETUNING = "tests.studies.finetuning"
_LIBRARIES = ("medulla-risk", "numpy", "scipy", "torch", "lightgbm", "scikit-learn")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the studies of the command line; 1 where one of them could not be run."""
    try:
        return _all(_parser().parse_args(arguments))
    except KeyboardInterrupt:
        say("stopped; nothing is half-written, and the same command continues from here")
        return STOPPED


def _all(arguments: argparse.Namespace) -> int:
    setting, out = Setting(arguments.data, arguments.quick), arguments.out / ("quick" if arguments.quick else "full")
    names = set(arguments.only.split(",")) - {""}
    selected = [study for study in STUDIES if not names or study.name in names]
    known = [*(study.name for study in STUDIES), "finetuning"]
    if names - set(known):
        say(f"the studies are {', '.join(known)}; {arguments.only} names another")
        return 2
    bench = Bench(out, arguments.data, arguments.workers)
    failed = [study.name for study in selected if not _run(study, setting, bench, as_it_is=arguments.as_it_is)]
    if not arguments.as_it_is and (not names or "finetuning" in names):
        _finetuning(setting, out)
    write(out, out / "EVIDENCE.md", out / "figures")
    if arguments.publish:
        publish(out)
    say(f"{out / 'EVIDENCE.md'}{f'; not run: {chr(44).join(failed)}' if failed else ''}")
    return 1 if failed else 0


def write(results: Path, note: Path, figures: Path) -> None:
    """Write the note and its figures from the results in a folder."""
    results_by_study = read_results(results)
    figures.mkdir(parents=True, exist_ok=True)
    for study in STUDIES:
        if study.name in results_by_study:
            for name, svg in study.pictures(results_by_study[study.name]["value"]).items():
                (figures / f"{study.stem}-{name}.svg").write_text(svg, encoding="utf-8")
    if (results / "finetuning.svg").exists():
        shutil.copyfile(results / "finetuning.svg", figures / "finetuning.svg")
    note.write_text(document(results_by_study, read_finetuning(results)), encoding="utf-8")


def read_results(folder: Path) -> dict[str, Any]:
    """Results of the studies that were run, by name."""
    paths = {study.name: folder / f"{study.stem}.json" for study in STUDIES}
    return {name: json.loads(path.read_bytes()) for name, path in paths.items() if path.exists()}


def read_finetuning(folder: Path) -> dict[str, Any] | None:
    """Results of the fine-tuning study, which writes its own files; None where it was not run."""
    path = folder / "finetuning.json"
    return json.loads(path.read_bytes()) if path.exists() else None


def publish(out: Path) -> None:
    """Put the results and the note where the project keeps them."""
    for study in STUDIES:
        source = out / f"{study.stem}.json"
        if source.exists():
            put_json(RESULTS / source.name, json.loads(source.read_bytes()))
    for name in ("finetuning.json", "finetuning.svg"):
        if (out / name).exists():
            shutil.copyfile(out / name, RESULTS / name)
    write(RESULTS, NOTE, FIGURES)


def _run(study: Study, setting: Setting, bench: Bench, *, as_it_is: bool) -> bool:
    try:
        plans = study.plans(setting)
        finished = [plan for plan in plans if bench.path(plan).exists()]
        say(f"{study.name}: {len(plans)} pieces, {len(finished)} of them finished")
        if as_it_is and not finished:
            return False
        chosen = finished if as_it_is else plans
        pieces = bench.all(chosen) if study.parallel else [bench(plan) for plan in chosen]
    except (MissingDataError, MedullaError) as error:
        say(f"{study.name}: left out, {error}")
        return False
    put_json(bench.out / f"{study.stem}.json", _result(study, setting, pieces) | {"planned": len(plans)})
    return True


def _result(study: Study, setting: Setting, pieces: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    result = {"part": study.name, "simulated": study.simulated, "notice": NOTICE, "quick": setting.quick}
    result |= {"command": f"make science ONLY={study.name}{' QUICK=1' if setting.quick else ''}", "machine": machine()}
    result |= {name: round(sum(piece[name] for piece in pieces), 1) for name in ("wall_s", "cpu_s")}
    seeds = sorted({piece["plan"][name] for piece in pieces for name in ("seed", "first") if name in piece["plan"]})
    return result | {"seeds": seeds, "pieces": len(pieces), "value": study.summary(pieces)}


def machine() -> dict[str, Any]:
    """The machine and the libraries that the figures were made with."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = {name: version(name) for name in _LIBRARIES}
    return {
        "processors": default_workers(),
        "memory_gb": round(memory),
        "python": platform.python_version(),
    } | libraries


def _finetuning(setting: Setting, out: Path) -> None:
    """Run the fine-tuning study, which writes its own files, unless they exist."""
    if find_spec(_FINETUNING) is None or (out / "finetuning.json").exists():
        return
    if setting.data is None:
        say("finetuning: left out, it reads tiles: name their folder with DATA=/folder")
        return
    command = [
        sys.executable,
        "-m",
        _FINETUNING,
        "--data",
        setting.data,
        "--out",
        out,
        *(["--seeds", 1] if setting.quick else []),
    ]
    completed = subprocess.run([*map(str, command)], check=False)
    if completed.returncode:
        say("finetuning: left out, its run failed")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make science", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with the public cohorts that the project may not hold")
    parser.add_argument("--out", type=Path, default=Path("out/science"))
    parser.add_argument("--only", default="", help="names of studies, separated by commas")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, which only show that the studies run")
    parser.add_argument("--workers", type=int, default=default_workers())
    parser.add_argument("--as-it-is", action="store_true", help="make nothing; report the finished pieces")
    parser.add_argument("--publish", action="store_true", help="put results, figures and note where they are kept")
    return parser


if __name__ == "__main__":
    sys.exit(main())
