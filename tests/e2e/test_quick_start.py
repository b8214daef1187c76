"""The first commands of the guide, on a fresh clone: `make demo` installs what scoring needs and scores the slide."""

import json
from pathlib import Path

from tests.support import newcomer
from tests.support.guide_blocks import blocks

_INSTALL, _PATH = [block for block in blocks() if block.page == "quick-start"][:2]


def test_make_demo_on_a_fresh_clone_installs_and_scores_the_slide_that_ships(tmp_path: Path) -> None:
    checkout = newcomer.clone(tmp_path / "medulla")
    printed = newcomer.run_shell(_INSTALL.text, checkout)
    score = json.loads((checkout / "out/demo/score.json").read_bytes())
    assert f"Case {score['case_id']}. Research use only." in printed
    assert "Slide cmu-1-small-region.svs: 38 tiles ok" in printed
    assert "medulla" in newcomer.run_shell(f"{_PATH.text}\nmedulla --help", checkout)
    assert not list((checkout / ".venv").glob("lib/python3*/site-packages/torch")), "scoring needs no torch"
