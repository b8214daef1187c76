"""`make fuzz`: FUZZ_SECONDS=… in all, ONLY=target,… and FUZZ_SEED=… to repeat an input."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from shared import logs
from tests.fuzz import annotations, documents, features, models, ranges, slides
from tests.fuzz.campaign import Fault, Tally, fuzz, table
from tests.fuzz.child import random_of
from tests.fuzz.targets import Target

_FILES = (*documents.TARGETS, *annotations.TARGETS, *features.TARGETS)
TARGETS = (*_FILES, *models.TARGETS, *slides.TARGETS, *ranges.TARGETS)
LONGEST_S = 3600.0
_SHOWN = 5


def main() -> int:
    """Run the targets one after the other; returns 1 if there is a fault."""
    arguments = _arguments()
    logs.configure("fuzz", "CRITICAL")
    chosen = [target for target in TARGETS if not arguments.only or target.name in arguments.only.split(",")]
    share = min(arguments.seconds, LONGEST_S) / max(1, len(chosen))
    with TemporaryDirectory(prefix="medulla-fuzz-") as folder:
        tallies = [fuzz(target, share, Path(folder), arguments.seed, arguments.inputs) for target in chosen]
        sys.stdout.write(table(tallies) + "\n")
        faults = [fault for tally in tallies for fault in tally.faults]
        _keep(faults, tallies, arguments.out, Path(folder))
    return 1 if faults else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="in all, an hour at most")
    parser.add_argument("--seed", type=int, default=0, help="first seed; the same seed makes the same input")
    parser.add_argument("--inputs", type=int, default=sys.maxsize, help="inputs of each target at most")
    parser.add_argument("--only", default="", help="targets, separated by commas")
    parser.add_argument("--out", type=Path, default=Path("out/fuzz"), help="folder for faults and their inputs")
    return parser.parse_args()


def _keep(faults: Sequence[Fault], tallies: Sequence[Tally], out: Path, folder: Path) -> None:
    """Write each fault and its input, and say how to repeat it."""
    by_name: dict[str, Target] = {tally.target.name: tally.target for tally in tallies}
    for fault in faults:
        out.mkdir(parents=True, exist_ok=True)
        target = by_name[fault.target]
        (folder / "good").mkdir(exist_ok=True)
        data = target.open(folder / "good")[0](random_of(target, fault.seed))
        path = out / f"{fault.target}-{fault.seed}"
        path.with_suffix(".bin").write_bytes(data)
        path.with_suffix(".json").write_text(json.dumps(asdict(fault), indent=2))
    for fault in faults[:_SHOWN]:
        again = f"python -m tests.fuzz --only {fault.target} --seed {fault.seed} --inputs 1"
        sys.stdout.write(f"\n{fault.target}, seed {fault.seed} ({again}):\n{fault.what.strip()[-3000:]}\n")
    if len(faults) > _SHOWN:
        sys.stdout.write(f"\n{len(faults) - _SHOWN} more in {out}\n")


if __name__ == "__main__":
    sys.exit(main())
