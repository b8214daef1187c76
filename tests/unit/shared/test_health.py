"""Live means progress, ready means that dependencies answer."""

import json
import urllib.error
import urllib.request
from http.client import RemoteDisconnected
from typing import Any

import pytest

from shared import metrics
from shared.errors import TransientError
from shared.health import BusyAddressError, HealthServer, Heartbeat, LastingYes
from tests.support.logs import logging_as
from tests.support.polling import eventually


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _get(server: HealthServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def _json(server: HealthServer, path: str) -> tuple[int, Any]:
    status, body = _get(server, path)
    return status, json.loads(body)


def test_why_it_is_not_ready_is_logged_once_and_so_is_that_it_is_again() -> None:
    answers = [TransientError("the object store refused the bucket: 403")] * 3

    def store() -> bool:
        if answers:
            raise answers.pop()
        return True

    with logging_as("tiler", "INFO") as log, HealthServer("127.0.0.1", 0, checks={"object store": store}) as server:
        for _ in range(5):
            server.answer("/readyz")
    assert [line["failing"] for line in log.lines("not ready")] == [
        {"object store": "the object store refused the bucket: 403"}
    ]
    assert len(log.lines("ready")) == 1


def test_a_yes_holds_for_a_while_and_a_no_is_asked_again_at_once() -> None:
    clock, answers = Clock(), [True, False, False, True]
    check = LastingYes(lambda: answers.pop(0), seconds=60, clock=clock)
    assert [check(), check()] == [True, True]
    clock.now = 60
    assert [check(), check(), check(), check()] == [False, False, True, True]
    assert not answers


def test_a_check_that_fails_after_a_yes_says_why_each_time() -> None:
    clock, answers = Clock(), [True]
    check = LastingYes(lambda: answers.pop() if answers else _bucket_is_down(), seconds=60, clock=clock)
    assert check()
    clock.now = 61
    for _ in range(2):
        with pytest.raises(TransientError, match="does not answer"):
            check()


def test_a_loop_without_progress_is_not_live_until_it_beats_again() -> None:
    clock = Clock()
    beat = Heartbeat("consumer", max_age_s=10, clock=clock)
    with HealthServer("127.0.0.1", 0, [beat]) as server:
        assert _json(server, "/livez") == (200, {"ok": True, "failing": {}})
        clock.now = 11
        assert _json(server, "/livez") == (503, {"ok": False, "failing": {"consumer": "no progress for 11 s"}})
        assert _json(server, "/readyz")[0] == 503
        beat.beat()
        assert _json(server, "/livez")[0] == 200


def _bucket_is_down() -> bool:
    raise TransientError("the bucket does not answer")


def test_a_failing_check_makes_unready_but_stays_live() -> None:
    checks = {"database": lambda: False, "store": _bucket_is_down, "bus": lambda: True}
    with HealthServer("127.0.0.1", 0, checks=checks) as server:
        status, answer = _json(server, "/readyz")
        assert status == 503
        assert answer["failing"] == {"database": "not ready", "store": "the bucket does not answer"}
        assert _json(server, "/livez")[0] == 200


def test_metrics_are_served_and_unknown_paths_are_not() -> None:
    metrics.DEAD_LETTERS.labels("test", "no_tissue").inc()
    with HealthServer("127.0.0.1", 0) as server:
        status, body = _get(server, "/metrics?name=x")
        assert status == 200
        assert 'medulla_dead_letters_total{reason="no_tissue",service="test"}' in body
        assert _get(server, "/secret")[0] == 404


def test_a_busy_address_is_one_sentence() -> None:
    with (
        HealthServer("127.0.0.1", 0) as server,
        pytest.raises(
            BusyAddressError, match=f"cannot serve health on 127.0.0.1:{server.port}: Address already in use"
        ),
    ):
        HealthServer("127.0.0.1", server.port)


def test_the_address_is_free_again_after_the_block() -> None:
    with HealthServer("127.0.0.1", 0) as server:
        port = server.port
    with HealthServer("127.0.0.1", port) as again:
        assert again.port == port


@pytest.mark.parametrize(("error", "lines"), [(BrokenPipeError("gone"), 0), (ValueError("a fault"), 1)])
def test_a_probe_that_hangs_up_leaves_no_line_and_a_fault_leaves_a_line_without_a_traceback(
    error: Exception, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing() -> bool:
        raise error

    checks = {"store": failing}
    with logging_as("tiler", "INFO") as logged, HealthServer("127.0.0.1", 0, checks=checks) as server:
        with pytest.raises((urllib.error.URLError, ConnectionError, RemoteDisconnected)):
            _get(server, "/readyz")
        eventually(lambda: len(logged.lines("a health request failed")) == lines)
    assert "Traceback" not in capsys.readouterr().err
