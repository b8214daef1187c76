"""Every command that the guide shows exists, with the options that it is given."""

import pytest

from tests.guide_docs.commands import commands
from tests.support.guide_blocks import Block, blocks

BLOCKS = [block for block in blocks() if block.commands]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.page}: {block.text.splitlines()[-1][:60]}")
def test_commands_of_the_guide_exist_with_their_options(block: Block) -> None:
    for arguments in block.commands:
        name = " ".join(arguments[: 1 + (arguments[0] in {"bundle", "encoder", "dead-letters"})])
        options = {word for parameter in commands()[name].params for word in parameter.opts}
        assert {word for word in arguments if word.startswith("--")} <= options
