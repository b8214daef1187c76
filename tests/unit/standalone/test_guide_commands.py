"""Every command that the documents show exists, with the options that it is given."""

import pytest

from tests.guide_docs.commands import commands
from tests.support.checkout import CHECKOUT
from tests.support.documents import DOCUMENTS
from tests.support.guide_blocks import NOT_RUN, RUN_ELSEWHERE, Block, blocks, blocks_of

TEXTS = {name: (CHECKOUT / name).read_text(encoding="utf-8") for name in DOCUMENTS}
BLOCKS = [block for name, text in TEXTS.items() for block in blocks_of(name, text) if block.commands]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.page}: {block.text.splitlines()[-1][:60]}")
def test_commands_of_documents_exist_with_their_options(block: Block) -> None:
    for arguments in block.commands:
        names = [name for name in commands() if arguments[: name.count(" ") + 1] == name.split()]
        shown = {word for word in arguments if word.startswith("--")} - {"--help"}
        options = {word for name in names for parameter in commands()[name].params for word in parameter.opts}
        assert shown <= options
        assert names or arguments == ["--help"]


def test_every_block_of_the_guide_is_run_by_a_test_but_for_the_builds_of_images() -> None:
    marked = [block.mark for block in blocks() if not block.runs]
    assert set(marked) == {*RUN_ELSEWHERE, *NOT_RUN}
    assert [mark for mark in marked if mark in NOT_RUN] == ["needs a container builder"]
    assert all((CHECKOUT / file).is_file() for file in RUN_ELSEWHERE.values())
