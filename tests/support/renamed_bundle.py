"""A second bundle to promote: the demo's under another name, so that a score tells which of them made it."""

import json
from pathlib import Path

from shared.model.bundle_files import FolderFiles
from shared.model.bundle_writer import write_bundle
from shared.model.manifest import MANIFEST
from tests.support.system import DEMO_BUNDLE


def renamed(folder: Path, name: str) -> Path:
    """Write the demo's bundle, unsigned, under another name."""
    files = dict(FolderFiles(DEMO_BUNDLE).read())
    facts = json.loads(files.pop(MANIFEST))
    facts = {key: facts[key] for key in facts if key != "files"} | {"name": name}
    write_bundle(folder, files, facts, key=None)
    return folder
