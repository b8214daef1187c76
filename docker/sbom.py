"""Writes what an image has installed as a CycloneDX 1.6 document, the same each time; used by the Dockerfiles."""

import json
import os
import platform
import re
import sys
from collections.abc import Mapping
from email.message import Message
from email.parser import HeaderParser
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

_DPKG = Path("/var/lib/dpkg/status")


def main(image: str, *roots: Path) -> None:
    """Print the document: what this environment and each of `roots` hold, the system's packages, and Triton.

    A root is an environment, or a folder that packages were installed into.
    """
    environments = (site for root in roots for site in root.glob("lib/python3*/site-packages"))
    path = [*sys.path, *map(str, (*roots, *environments))]
    installed = sorted(distributions(path=path), key=lambda each: (each.name.lower(), each.version))
    components = [*triton(os.environ), *map(component, installed), *_system()]
    print(json.dumps(document(image, components), indent=1, ensure_ascii=False))


def document(image: str, components: list[dict[str, Any]]) -> dict[str, Any]:
    """The whole document, each component once."""
    about = {"type": "container", "name": f"medulla-{image}"}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": about},
        "components": list({each["bom-ref"]: each for each in components}.values()),
    }


def component(distribution: Distribution) -> dict[str, Any]:
    """One installed package, with its licence if its metadata has a licence expression."""
    name = re.sub(r"[-_.]+", "-", distribution.name).lower()
    licence = distribution.metadata.get("License-Expression") or ""
    licences = {"licenses": [{"expression": licence}]} if licence else {}
    purl = f"pkg:pypi/{name}@{distribution.version}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": distribution.version, "purl": purl, **licences}


def packages(status: str, system: str) -> list[dict[str, Any]]:
    """The packages that dpkg's status file lists as installed; `system` is debian or ubuntu."""
    described = map(HeaderParser().parsestr, status.strip().split("\n\n"))
    return [_package(each, system) for each in described if each["Status"] == "install ok installed"]


def triton(environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """Triton itself, where the image is one of NVIDIA's, whose environment has its version."""
    version = environment.get("TRITON_SERVER_VERSION", "")
    purl = f"pkg:github/triton-inference-server/server@v{version}"
    about = {"type": "application", "bom-ref": purl, "name": "tritonserver", "version": version, "purl": purl}
    return [about] if version else []


def _system() -> list[dict[str, Any]]:
    """The packages of this system; none where it has no dpkg."""
    if not _DPKG.exists():
        return []
    return packages(_DPKG.read_text(encoding="utf-8"), platform.freedesktop_os_release()["ID"])


def _package(about: Message, system: str) -> dict[str, Any]:
    name, version = about["Package"], about["Version"]
    purl = f"pkg:deb/{system}/{name}@{quote(version, safe='')}?arch={about['Architecture']}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
