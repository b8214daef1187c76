"""Folders of runs: which programs are looked for in them."""

from pathlib import Path

from tests.stack.process import Program
from tests.stack.runs import end_programs, running_programs


def test_the_data_of_a_program_is_not_searched_for_records(tmp_path: Path) -> None:
    program = Program("sleeper", tmp_path / "part", ["sleep", "60"], {})
    program.start(lambda: True)
    data = tmp_path / "part" / "data" / "below"
    data.mkdir(parents=True)
    (data / "object.process").write_text("no record")
    assert [each.name for each in running_programs(tmp_path)] == ["sleeper"]
    assert end_programs(tmp_path) == ["sleeper"]
    assert not program.alive
