"""Writes what an image has installed as a CycloneDX 1.6 document, the same each time; used by Dockerfile."""

import json
import re
import sys
from email.parser import HeaderParser
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

_DPKG = Path("/var/lib/dpkg/status")


def main(service: str, root: Path) -> None:
    """Print the document for the environment that runs this, what is installed under `root`, and Debian's packages."""
    path = [*sys.path, *map(str, root.glob("lib/python3*/site-packages"))]
    installed = sorted(distributions(path=path), key=lambda each: each.name.lower())
    components = [*map(component, installed), *debian(_DPKG.read_text(encoding="utf-8"))]
    print(json.dumps(document(service, components), indent=1, ensure_ascii=False))


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


def component(distribution: Distribution) -> dict[str, Any]:
    """One installed package, with its licence if its metadata has a licence expression."""
    name = re.sub(r"[-_.]+", "-", distribution.name).lower()
    licence = distribution.metadata.get("License-Expression") or ""
    licences = {"licenses": [{"expression": licence}]} if licence else {}
    purl = f"pkg:pypi/{name}@{distribution.version}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": distribution.version, "purl": purl, **licences}


def debian(status: str) -> list[dict[str, Any]]:
    """The packages that dpkg's status file lists as installed."""
    packages = [HeaderParser().parsestr(each) for each in status.strip().split("\n\n")]
    installed = [each for each in packages if each["Status"] == "install ok installed"]
    return [_package(each["Package"], each["Version"], each["Architecture"]) for each in installed]


def _package(name: str, version: str, architecture: str) -> dict[str, Any]:
    purl = f"pkg:deb/debian/{name}@{quote(version, safe='')}?arch={architecture}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
