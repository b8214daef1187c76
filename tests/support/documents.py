"""The Markdown documents that the repository keeps."""

import subprocess

from tests.support.checkout import CHECKOUT

_LISTED = subprocess.run(["git", "ls-files", "*.md"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
DOCUMENTS = [name for name in _LISTED.split() if not name.startswith("tests/studies/methods/")]
"""Paths from the checkout, without the pieces that EVIDENCE.md is made of."""
