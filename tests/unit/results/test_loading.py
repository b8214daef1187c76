"""The REST API starts without the libraries of files that are rarely wanted."""

import json
import subprocess
import sys

_WRITERS = {"fhir", "highdicom", "pydicom", "typst"}


def test_the_rest_api_loads_no_library_of_an_export() -> None:
    program = "import json, sys, services.results.rest; print(json.dumps(sorted(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert {name.partition(".")[0] for name in json.loads(loaded)} & _WRITERS == set()
