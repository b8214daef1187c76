"""Writes what an image has installed as a CycloneDX 1.6 document, the same each time; used by Dockerfile."""

import json
import re
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any


def main(service: str, root: Path) -> None:
    """Print the document for the environment that runs this and what is installed under `root`."""
    path = [*sys.path, *map(str, root.glob("lib/python3*/site-packages"))]
    found = sorted(distributions(path=path), key=lambda each: each.name.lower())
    print(json.dumps(document(service, [component(each) for each in found]), indent=1, ensure_ascii=False))


def document(service: str, components: list[dict[str, Any]]) -> dict[str, Any]:
    """The whole document."""
    about = {"type": "container", "name": f"medulla-{service}"}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": about},
        "components": components,
    }


def component(found: Distribution) -> dict[str, Any]:
    """One installed package, with its licence where its metadata says it in a word."""
    name = re.sub(r"[-_.]+", "-", found.name).lower()
    licence = found.metadata.get("License-Expression") or ""
    said = {"licenses": [{"expression": licence}]} if licence else {}
    purl = f"pkg:pypi/{name}@{found.version}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": found.version, "purl": purl, **said}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
