"""Replicas sweep in turn, on every kind of object store; a process's first sweep is always made."""

import time
from pathlib import Path

import pytest

from shared.blob.port import BlobStore
from shared.errors import TransientError
from shared.sweep_turns import InTurn
from tests.support.object_stores import new_blob_store

_PERIOD_S = 900.0


class Replica:
    """One of several that sweep, at a time of the test's."""

    def __init__(self, store: BlobStore, name: str = "slides") -> None:
        self.later_s, self.sweeps = 0.0, 0
        self.in_turn = InTurn(store, name, _PERIOD_S, self._sweep, lambda: time.time() + self.later_s)

    def _sweep(self) -> None:
        self.sweeps += 1

    def at(self, periods: float) -> int:
        """Ask for a turn so many periods after the last sweep began; the sweeps so far."""
        self.later_s = periods * _PERIOD_S
        self.in_turn()
        return self.sweeps


@pytest.fixture(params=["memory", "folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return new_blob_store(request.param, request, tmp_path)


def test_a_replica_alone_sweeps_at_each_of_its_turns(store: BlobStore) -> None:
    alone = Replica(store)
    assert [alone.at(0), alone.at(1), alone.at(0.9), alone.at(1)] == [1, 2, 3, 4]


def test_another_replica_leaves_out_what_was_swept_a_moment_ago(store: BlobStore) -> None:
    first, other = Replica(store), Replica(store)
    assert (first.at(0), other.at(0)) == (1, 1)
    assert (other.at(0.2), first.at(0.4)) == (1, 1)
    assert (other.at(0.6), first.at(0.1)) == (2, 1)


def test_the_first_sweep_after_a_start_is_made_and_counts_as_a_turn(store: BlobStore) -> None:
    first = Replica(store)
    assert [first.at(0), Replica(store).at(0), first.at(0.2)] == [1, 1, 1]


def test_of_two_that_begin_at_once_one_gets_the_turn(store: BlobStore) -> None:
    first, other = Replica(store), Replica(store)
    first.at(0)
    other.at(0)
    meanwhile = store.replace

    def overtaken(*arguments: object) -> object:
        store.replace = meanwhile  # type: ignore[method-assign]
        assert first.at(1) == 2
        return meanwhile(*arguments)  # type: ignore[arg-type]

    store.replace = overtaken  # type: ignore[assignment, method-assign]
    assert other.at(1) == 1


def test_sweeps_of_different_names_do_not_share_turns(store: BlobStore) -> None:
    first, other = Replica(store), Replica(store, "cases")
    assert [first.at(0), other.at(0), first.at(0.1), other.at(0.6)] == [1, 1, 1, 2]


def test_a_sweep_that_fails_gives_its_turn_back(store: BlobStore) -> None:
    failing, other = Replica(store), Replica(store)
    assert (failing.at(0), other.at(0)) == (1, 1)
    failing.in_turn.sweep = _failing
    with pytest.raises(TransientError):
        failing.at(1)
    assert other.at(0.1) == 2


def _failing() -> None:
    raise TransientError("the bus is down")
