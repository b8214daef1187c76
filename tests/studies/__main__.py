"""Rebuilds every figure that EVIDENCE.md quotes: `make science DATA=/folder`, or `python -m tests.studies`.

Pieces that are finished are kept in OUT/pieces, named after all that they are made from, so that a stopped run goes on.
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

from services.trainer.evaluation.run import default_workers
from shared.errors import MedullaError
from shared.notice import NOTICE
from tests.studies.document import document
from tests.studies.parts import PARTS, MissingDataError, Part, Setting
from tests.studies.pieces import Bench, put_json, say

HERE = Path(__file__).parent
RESULTS, FIGURES, NOTE = HERE / "results", HERE / "figures", HERE / "EVIDENCE.md"
"""Where what is published stands."""
STOPPED = 130
_FINETUNING = "tests.studies.finetuning"
_LIBRARIES = ("medulla", "numpy", "scipy", "torch", "lightgbm", "scikit-learn")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that were asked for; 1 where one of them could not be run."""
    try:
        return _all(_parser().parse_args(arguments))
    except KeyboardInterrupt:
        say("stopped; nothing is half-written, and the same command goes on from here")
        return STOPPED


def _all(asked: argparse.Namespace) -> int:
    setting, out = Setting(asked.data, asked.quick), asked.out / ("quick" if asked.quick else "full")
    wanted = set(asked.only.split(",")) - {""}
    chosen = [part for part in PARTS if not wanted or part.name in wanted]
    if wanted - {part.name for part in PARTS} - {"finetuning"}:
        say(f"there are the parts {', '.join(part.name for part in PARTS)} and finetuning; {asked.only} names another")
        return 2
    bench = Bench(out, asked.data, asked.workers)
    failed = [part.name for part in chosen if not _run(part, setting, bench, as_it_is=asked.as_it_is)]
    if not asked.as_it_is and (not wanted or "finetuning" in wanted):
        _finetuning(setting, out)
    write(out, out / "EVIDENCE.md", out / "figures")
    if asked.publish:
        publish(out)
    say(f"{out / 'EVIDENCE.md'}{f'; not run: {chr(44).join(failed)}' if failed else ''}")
    return 1 if failed else 0


def write(results: Path, note: Path, figures: Path) -> None:
    """The note and its figures from the results in a folder."""
    found = read_results(results)
    figures.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        if part.name in found:
            for name, svg in part.pictures(found[part.name]["value"]).items():
                (figures / f"{part.stem}-{name}.svg").write_text(svg, encoding="utf-8")
    if (results / "finetuning.svg").exists():
        shutil.copyfile(results / "finetuning.svg", figures / "finetuning.svg")
    note.write_text(document(found, read_finetuning(results)), encoding="utf-8")


def read_results(folder: Path) -> dict[str, Any]:
    """Results of the parts that there are, by name."""
    paths = {part.name: folder / f"{part.stem}.json" for part in PARTS}
    return {name: json.loads(path.read_bytes()) for name, path in paths.items() if path.exists()}


def read_finetuning(folder: Path) -> dict[str, Any] | None:
    """What the fine-tuning's own run wrote, where it did."""
    path = folder / "finetuning.json"
    return json.loads(path.read_bytes()) if path.exists() else None


def publish(out: Path) -> None:
    """Put the results and the note where the project keeps them."""
    for part in PARTS:
        source = out / f"{part.stem}.json"
        if source.exists():
            put_json(RESULTS / source.name, json.loads(source.read_bytes()))
    for name in ("finetuning.json", "finetuning.svg"):
        if (out / name).exists():
            shutil.copyfile(out / name, RESULTS / name)
    write(RESULTS, NOTE, FIGURES)


def _run(part: Part, setting: Setting, bench: Bench, *, as_it_is: bool) -> bool:
    try:
        plans = part.plans(setting)
        made = [plan for plan in plans if bench.path(plan).exists()]
        say(f"{part.name}: {len(plans)} pieces, {len(made)} of them there")
        if as_it_is and not made:
            return False
        wanted = made if as_it_is else plans
        pieces = bench.all(wanted) if part.side_by_side else [bench(plan) for plan in wanted]
    except (MissingDataError, MedullaError) as error:
        say(f"{part.name}: left out, {error}")
        return False
    put_json(bench.out / f"{part.stem}.json", _result(part, setting, pieces) | {"planned": len(plans)})
    return True


def _result(part: Part, setting: Setting, pieces: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    said = {"part": part.name, "simulated": part.simulated, "notice": NOTICE, "quick": setting.quick}
    said |= {"command": f"make science ONLY={part.name}{' QUICK=1' if setting.quick else ''}", "machine": machine()}
    said |= {name: round(sum(piece[name] for piece in pieces), 1) for name in ("wall_s", "cpu_s")}
    seeds = sorted({piece["plan"][name] for piece in pieces for name in ("seed", "first") if name in piece["plan"]})
    return said | {"seeds": seeds, "pieces": len(pieces), "value": part.summary(pieces)}


def machine() -> dict[str, Any]:
    """Where the figures were made."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = {name: version(name) for name in _LIBRARIES}
    return {
        "processors": default_workers(),
        "memory_gb": round(memory),
        "python": platform.python_version(),
    } | libraries


def _finetuning(setting: Setting, out: Path) -> None:
    """The fine-tuning's own run, which writes its own files; nothing where they are there."""
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
    done = subprocess.run([*map(str, command)], check=False)
    if done.returncode:
        say("finetuning: left out, its run failed")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make science", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with the public cohorts that the project may not hold")
    parser.add_argument("--out", type=Path, default=Path("out/science"))
    parser.add_argument("--only", default="", help="parts, by name, with commas between them")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that it runs, and nothing else")
    parser.add_argument("--workers", type=int, default=default_workers())
    parser.add_argument("--as-it-is", action="store_true", help="make nothing; tell of the pieces that are finished")
    parser.add_argument("--publish", action="store_true", help="put results, figures and note where they are kept")
    return parser


if __name__ == "__main__":
    sys.exit(main())
