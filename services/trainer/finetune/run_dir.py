"""The folder of a run: what is unfinished waits in it under the run's name, and another run is not overwritten."""

import json
import shutil
from pathlib import Path

from services.trainer.errors import OtherRunError

UNFINISHED = "unfinished"
LOGS = "logs"
_MANIFEST = "manifest.json"


def finished(out: Path, run: str) -> bool:
    """Whether this run's encoder is there.

    Raises:
        OtherRunError: another encoder is there, or what another run left unfinished.
    """
    try:
        manifest = json.loads((out / _MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        manifest = None
    except (OSError, ValueError) as error:
        raise OtherRunError(f"{out / _MANIFEST} cannot be read: {error}") from error
    if manifest is not None:
        if isinstance(manifest, dict) and (manifest.get("training") or {}).get("run") == run:
            return True
        raise OtherRunError(f"{out} holds an encoder that other data, settings, a name or a seed have made")
    others = [path.name for path in (out / UNFINISHED).glob("*") if path.name != run[:16]]
    if others:
        raise OtherRunError(f"{out} holds an unfinished run of other data, settings, name or seed ({others[0]})")
    return False


def work_folder(out: Path, run: str) -> Path:
    """Where the run keeps what it needs to go on; made if it is not there."""
    work = out / UNFINISHED / run[:16]
    work.mkdir(parents=True, exist_ok=True)
    return work


def forget(out: Path) -> None:
    """Remove what a finished run no longer needs."""
    shutil.rmtree(out / UNFINISHED, ignore_errors=True)
