"""`make stack-put` says what it needs."""

from pathlib import Path

import pytest

from tests.stack.development import put
from tests.stack.home import StackError


@pytest.mark.parametrize(("slide", "case"), [(None, ""), (None, "DEMO-001"), (Path("a.svs"), "")])
def test_a_put_of_nothing_says_what_is_needed(slide: Path | None, case: str) -> None:
    with pytest.raises(StackError, match=r"make stack-put SLIDE=.+ CASE=.+ CLINICAL="):
        put(slide, case, None)
