"""The command line loads what a command runs only when it runs, and says what it lacks."""

import json
import subprocess
import sys

from shared.exit_codes import DEPENDENCY_DOWN
from shared.program import program_version

_LIBRARIES = {"boto3", "cv2", "google", "grpc", "kafka", "numpy", "onnxruntime", "opentelemetry", "pydantic", "torch"}


def test_help_loads_none_of_the_libraries() -> None:
    program = "import json, sys, services.standalone.app; print(json.dumps(sorted(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert {name.partition(".")[0] for name in json.loads(loaded)} & _LIBRARIES == set()


def test_the_version_is_printed() -> None:
    printed = subprocess.run([sys.executable, "-m", "medulla", "--version"], check=True, capture_output=True, text=True)
    assert printed.stdout == f"medulla {program_version()}\n"


def test_a_library_that_the_command_line_needs_is_named_with_what_installs_it() -> None:
    program = "import sys; sys.modules['typer'] = None; from medulla.__main__ import main; main()"
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    sentence = "the command line needs typer, which is not installed: `make dev` in the project brings it."
    assert (ended.returncode, ended.stderr) == (DEPENDENCY_DOWN, f"medulla: {sentence}\n")
