"""The shell blocks of the guide, and where a test runs those whose fence says what they need."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from services.standalone.guide_site import Guide

RUN_ELSEWHERE = {
    "needs a bucket": "tests/integration/test_cohort_of_a_bucket.py",
    "needs a running system": "tests/e2e/test_guide_operator.py",
    "needs an empty system": "tests/integration/test_backup.py",
    "needs a cluster": "tests/cluster/test_laptop.py",
    "runs until Ctrl-C": "tests/support/laptop.py",
    "installs into the checkout": "tests/e2e/test_quick_start.py",
}
"""Marks of blocks that need more than a shell, with the file that runs them."""
NOT_RUN = {
    "needs a container builder": "the tests on a cluster build the same images, and have no registry to push to",
}
"""Marks of blocks that no test runs, each with its reason; this list may only shrink."""
_BLOCK = re.compile(r"^```sh *(?P<mark>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FAILS = "exits "
_STATEMENT = re.compile(r"^[^\n]*<<'(\w+)'.*?^\1$|^(?:[^\n]*\\\n)*[^\n]+$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(\.venv/bin/)?medulla ")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; `mark` is what stands behind `sh`."""

    page: str
    mark: str
    text: str

    @property
    def exit_code(self) -> int:
        """With which its last command ends."""
        return int(self.mark.removeprefix(_FAILS)) if self.mark.startswith(_FAILS) else 0

    @property
    def runs(self) -> bool:
        """False where the mark says why not."""
        return not self.mark or self.mark.startswith(_FAILS)

    @property
    def statements(self) -> list[str]:
        """Its commands one by one, each with its here-document and continued lines."""
        return [match[0] for match in _STATEMENT.finditer(self.text)]

    @property
    def commands(self) -> list[list[str]]:
        """Arguments of each `medulla` command in it."""
        return [arguments for each in self.statements if (arguments := arguments_of(each))]


def arguments_of(statement: str) -> list[str]:
    """Arguments of a `medulla` command; none of another one."""
    words = shlex.split(statement, comments=True) if _COMMAND.match(statement) else []
    return words[1:]


def blocks() -> Iterator[Block]:
    """Every block of the guide, in the order of the contents."""
    guide = Guide()
    for name in guide.texts:
        yield from blocks_of(name, (guide.folder / f"{name}.md").read_text(encoding="utf-8"))


def blocks_of(name: str, markdown: str) -> Iterator[Block]:
    """Every block of a document."""
    return (Block(name, match["mark"], match["text"]) for match in _BLOCK.finditer(markdown))
