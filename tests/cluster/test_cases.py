"""A slide that is removed, a slide that crashes its reader, a case that is erased: each changes its own case alone."""

from collections.abc import Callable, Iterator

import pytest

from shared import keys
from tests.support.cluster.kubernetes import until
from tests.support.cluster.observer import PATIENCE_S, Json, Observer, findings
from tests.support.cluster.site import BUCKET, Site
from tests.support.cluster.slides import slow, tiny

_CRASH_READER = """
import os, pathlib, signal, sys
size, crashed = int(sys.argv[1]), set(sys.argv[2:])
def reads(process):
    try:
        host = b"reader_host" in (process / "cmdline").read_bytes()
        return host and any(each.stat().st_size == size for each in (process / "fd").iterdir())
    except OSError:
        return False
processes = (process for process in pathlib.Path("/proc").glob("[0-9]*") if process.name not in crashed)
process = next(filter(reads, processes), None)
if process:
    os.kill(int(process.name), signal.SIGSEGV)
    print(process.name)
"""
"""Ends a process that reads a slide of a given size as a decoder's fault would, unless it is named; prints its pid."""


@pytest.fixture
def case(observer: Observer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A case for one test, erased afterwards so that the tests that follow see none of it."""
    name = f"{observer.session}-{request.node.name.rpartition('_')[2]}"
    yield name
    observer.erase(name)


def test_a_slide_that_is_removed_from_the_bucket_leaves_the_score(
    observer: Observer, calm: dict[int, Json], case: str
) -> None:
    for number in (0, 1):
        _put(observer, f"{case}/{number}.tiff", tiny(number, case))
    _wait_for_slides(observer, case, ["0.tiff", "1.tiff"])
    observer.store(lambda s3: s3.delete_object(Bucket=BUCKET, Key=f"{keys.SLIDES}{case}/1.tiff"))
    _wait_for_slides(observer, case, ["0.tiff"])
    assert findings(observer.get(f"/cases/{case}")["score"]) == calm[0]


def test_a_slide_that_crashes_its_reader_ends_as_one_dead_letter_and_the_tiler_does_not_restart(
    site: Site, observer: Observer, as_in_calm: Callable[[list[str]], None], case: str
) -> None:
    slide, pod, before = slow(600_000), site.medulla.pod("tiler"), _restarts(site)
    _put(observer, f"{case}/poisoned.tif", slide)
    crashed: list[str] = []

    def crash() -> str:
        crashed.extend(site.namespace.exec(pod, "python", "-c", _CRASH_READER, str(len(slide)), *crashed).split())
        return "" if len(crashed) == 3 else f"{len(crashed)} of 3 crashed"

    until("the slide's readers to crash", crash, PATIENCE_S)
    beside = observer.land("beside-poisoned", range(3))
    observer.wait_scored(beside)
    as_in_calm(beside)
    until("the refusal", lambda: "" if observer.states().get(case) == "REJECTED" else "none", PATIENCE_S)
    [refusal] = observer.get(f"/cases/{case}")["rejections"]
    assert refusal["reason"] == "crashed_worker"
    [sentence] = observer.dead_letters()
    assert "(signal 11, SIGSEGV)" in sentence
    assert _restarts(site) == before


def test_a_case_erased_through_rest_is_gone_and_does_not_come_back(observer: Observer, case: str) -> None:
    _put(observer, f"{case}/good.tiff", tiny(2, case))
    _put(observer, f"{case}/broken.tiff", b"no slide")
    _wait_for_slides(observer, case, ["good.tiff"])
    until("the refusal", lambda: "" if observer.dead_letters() else "no dead letter", PATIENCE_S)
    observer.erase(case)
    _put(observer, f"{case}/late.tiff", tiny(3, case))
    observer.wait_scored(observer.land("after-erased", [0]))
    assert not observer.get(f"/cases/{case}")


def _put(observer: Observer, name: str, slide: bytes) -> None:
    observer.store(lambda s3: s3.put_object(Bucket=BUCKET, Key=f"{keys.SLIDES}{name}", Body=slide))


def _wait_for_slides(observer: Observer, case: str, names: list[str]) -> None:
    """Wait until the current score is made of exactly these slides."""

    def missing() -> str:
        slides = observer.get(f"/cases/{case}").get("score", {}).get("slides", ())
        return "" if sorted(slide["slide_id"] for slide in slides) == names else f"scored with {slides}"

    until(f"{case} to be scored with {names}", missing, PATIENCE_S)


def _restarts(site: Site) -> dict[str, int]:
    """How often each container of the tiler has restarted."""
    pods = site.medulla.pods("tiler")
    return {pod["metadata"]["name"]: pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods}
