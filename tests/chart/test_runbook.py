"""The shell functions of the RUNBOOK, taken out of it and run with a stand-in for `kubectl`."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support.chart.runbook import blocks

_STUB = """#!/bin/sh
call=$(printf '<%s>' "$@")
printf "%s\\n" "$call" >> {calls}  # in one write: the calls of a pipeline run at once
case "$*" in
  *conditions*) echo {state} ;;
  *"logs "*) printf '{{"level": "info"}}\\n{{"level": "error"}}\\n' ;;
  *" get job "*) exit {missing_pods} ;;
  *" wait "*) exit {unready} ;;
  *" describe "*) echo why ;;
  *" exec "*) exit 3 ;;
esac
"""


@pytest.fixture(params=["bash", "sh"])
def shell(request: pytest.FixtureRequest) -> str:
    """The shells that operators paste into."""
    name: str = request.param
    return name


def _run(
    shell: str, folder: Path, line: str, *, missing_pods: int = 0, unready: int = 0, state: str = ""
) -> tuple[int, str, list[str]]:
    """Exit code, what was printed, and how kubectl was called."""
    calls = folder / "calls"
    calls.touch()
    kubectl = folder / "kubectl"
    answers = {"missing_pods": missing_pods, "unready": unready, "state": shlex.quote(state)}
    kubectl.write_text(_STUB.format(calls=shlex.quote(str(calls)), **answers))
    sleep = folder / "sleep"
    sleep.write_text("#!/bin/sh\n")
    for program in (kubectl, sleep):
        program.chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
    script = f"{blocks()[0]}\n{line}"
    done = subprocess.run([shell, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert "not found" not in done.stderr
    return done.returncode, done.stdout, calls.read_text().splitlines()


def test_the_operators_command_gets_its_words_unchanged_and_tells_its_exit_code(shell: str, tmp_path: Path) -> None:
    code, _, calls = _run(shell, tmp_path, """medulla rescore --bundle "/tmp/a b" 'say "x"'""")
    assert code == 3
    assert (
        calls[-1] == """<-n><medulla><exec><job/medulla-operator><--><medulla><rescore><--bundle></tmp/a b><say "x">"""
    )
    assert len(calls) == 2, "a pod that is there is taken"


def test_it_makes_its_pod_of_the_sweep_where_there_is_none(shell: str, tmp_path: Path) -> None:
    _, _, calls = _run(shell, tmp_path, "medulla dead-letters list", missing_pods=1)
    everything = "\n".join(calls)
    assert "<create><job><medulla-operator><--from=cronjob/medulla-sweep>" in everything
    assert "<wait>" in calls[-2]
    assert "<exec>" in calls[-1]
    assert "<describe>" not in everything


def test_a_pod_that_does_not_start_says_why(shell: str, tmp_path: Path) -> None:
    _, printed, _ = _run(shell, tmp_path, "asleep look medulla-sweep", unready=1)
    assert printed.endswith("why\n")


@pytest.mark.parametrize(
    ("state", "code", "looks"), [("0 SuccessCriteriaMet Complete", 0, 1), ("0 FailureTarget Failed", 1, 1), ("", 1, 60)]
)
def test_a_job_is_waited_for_until_it_ended_or_does_not_start(
    shell: str, tmp_path: Path, state: str, code: int, looks: int
) -> None:
    ended, printed, calls = _run(shell, tmp_path, "ended restore", state=state)
    assert (ended, sum("conditions" in call for call in calls)) == (code, looks)
    assert printed.startswith('{"level": "info"}')
    assert ("<describe>" in calls[-1]) == bool(code)


def test_warnings_reads_every_pod_and_leaves_news_out(shell: str, tmp_path: Path) -> None:
    _, printed, calls = _run(shell, tmp_path, "warnings tiler")
    assert printed == '{"level": "error"}\n'
    assert "<app.kubernetes.io/instance=medulla,app.kubernetes.io/component=tiler>" in calls[-1]


def test_every_block_is_read_by_a_shell() -> None:
    assert len(blocks()) > 1
    for block in blocks():
        done = subprocess.run(["sh", "-n"], input=block, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
