"""A slide that kills the process at work on it is given up after three deaths; the nineteen others are done."""

import signal
import subprocess
import sys
import uuid
from pathlib import Path

from shared.bus import topics
from shared.bus.dead_letters import read
from shared.bus.kafka_admin import ensure_topics, read_topic
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.retry import GIVE_UP_AFTER
from shared.settings import KafkaSettings
from tests.support.checkout import CHECKOUT
from tests.support.crashing_worker import CRASHING, SLIDES, records
from tests.support.parts import KafkaPart

_PATIENCE_S = 120


def run(folder: Path, topic: str, service: str, *bootstrap: str) -> subprocess.CompletedProcess[str]:
    """Run the worker until it ends or dies."""
    command = [sys.executable, "-m", "tests.support.crashing_worker", str(folder), topic, service, *bootstrap]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)


def restarted_runs(folder: Path, topic: str, service: str, *bootstrap: str) -> list[subprocess.CompletedProcess[str]]:
    """Restart it whenever it dies, as Kubernetes or a person does."""
    for name in ("done", "given-up", "bucket"):
        (folder / name).mkdir()
    ended = [run(folder, topic, service, *bootstrap)]
    while ended[-1].returncode != 0 and len(ended) <= GIVE_UP_AFTER:
        ended.append(run(folder, topic, service, *bootstrap))
    return ended


def check_three_deaths(ended: list[subprocess.CompletedProcess[str]]) -> None:
    codes = [process.returncode for process in ended]
    assert codes == [*[-signal.SIGKILL] * GIVE_UP_AFTER, 0], ended[-1].stderr


def check_nineteen_done(folder: Path) -> None:
    done = {path.name for path in (folder / "done").iterdir()}
    assert len(done) == SLIDES - 1
    assert CRASHING not in done
    assert [path.name for path in (folder / "given-up").iterdir()] == [f"{CRASHING}.crashed_worker"]


def test_a_crashing_slide_is_given_up_on_a_bus_that_forgets(tmp_path: Path) -> None:
    ended = restarted_runs(tmp_path, topics.SLIDES_TILED, "tiler")
    check_three_deaths(ended)
    check_nineteen_done(tmp_path)
    assert ended[-1].stdout == "crashed_worker"


def test_a_slide_that_was_given_up_is_not_started_again_by_the_next_process(tmp_path: Path) -> None:
    restarted_runs(tmp_path, topics.SLIDES_TILED, "tiler")
    for path in (*(tmp_path / "done").iterdir(), *(tmp_path / "given-up").iterdir()):
        path.unlink()
    again = run(tmp_path, topics.SLIDES_TILED, "tiler")
    assert again.returncode == 0
    check_nineteen_done(tmp_path)


def test_a_crashing_slide_is_given_up_on_kafka(kafka: KafkaPart, tmp_path: Path) -> None:
    name = f"crashing-{uuid.uuid4().hex[:8]}"
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap)
    ensure_topics(settings, [name, topics.DEAD_LETTERS, topics.retry_topic(name)])
    producer = KafkaProducerAdapter(settings)
    producer.send(records(name))
    producer.close()
    check_three_deaths(restarted_runs(tmp_path, name, name, kafka.bootstrap))
    check_nineteen_done(tmp_path)
    letters = [read(delivery.record) for delivery in read_topic(settings, topics.DEAD_LETTERS)]
    (letter,) = [letter for letter in letters if letter.service == name]
    assert (letter.reason, letter.key) == ("crashed_worker", f"of-{CRASHING}")
