"""David Clunie's validator of DICOM objects, `dciodvfy` of dicom3tools."""

import subprocess
import sys
from pathlib import Path

_PROGRAM = Path(sys.executable).with_name("dciodvfy")
_OWN_CODES = "Unrecognized defined term <99MEDULLA>"
_TIMEOUT_S = 60


def complaints(data: bytes, folder: Path) -> list[str]:
    """Errors and warnings about an object, but for codes of our own."""
    path = folder / "object.dcm"
    path.write_bytes(data)
    done = subprocess.run([_PROGRAM, path], capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
    lines = (done.stdout + done.stderr).splitlines()
    return [line for line in lines if line.startswith(("Error", "Warning", "Abort")) and _OWN_CODES not in line]
