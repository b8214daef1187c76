"""The command line loads what a command runs only when it runs."""

import json
import subprocess
import sys

_LIBRARIES = {"boto3", "cv2", "google", "grpc", "kafka", "numpy", "onnxruntime", "opentelemetry", "pydantic", "torch"}


def test_help_loads_none_of_the_libraries() -> None:
    program = "import json, sys, services.standalone.app; print(json.dumps(sorted(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert {name.partition(".")[0] for name in json.loads(loaded)} & _LIBRARIES == set()
