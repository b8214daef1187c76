"""Work that lasts longer than Kafka lets a consumer go without polling: the group stays as it is."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from services.embedder.events import SERVICE
from tests.chaos.encoded import Repeats
from tests.chaos.history import Landed, settle
from tests.chaos.landing import FUSED
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.stack.services import Service
from tests.support import slides
from tests.support.polling import wait_for
from tests.support.system import System

_POLLS = 3
"""The work takes as many poll intervals: 15 minutes under Kafka's own 5."""
_REBALANCE = f"to rebalance group {SERVICE} in state"
"""What the broker logs when members join or leave."""
_AT_WORK = f'medulla_slides_in_flight{{service="{SERVICE}"}} 1.0'
_PATIENCE_S = 600.0


def run(system: System, seed: int, size: Size) -> list[Row]:
    """Hold the encoder's server while it has a slide's tiles, and look at the broker's log."""
    work_s = _POLLS * size.poll_interval_s
    with _patient(system.services[SERVICE], size.poll_interval_s, work_s) as embedder:
        landed, joined, repeats = [Landed("CHAOS-long", FUSED)], _rebalances(system), Repeats.since_now(system)
        with _held(system, work_s, embedder):
            system.land_slide(landed[0].case_id, slides.cc0_bytes() + b"long")
            system.land_record(landed[0].case_id)
        left = settle(landed, system.case, _PATIENCE_S)
        rebalances = _rebalances(system) - joined
    repeated, _ = (0, 0) if left else repeats.count(landed, starts=0)
    figure = (
        f"{rebalances} in {work_s:.0f} s of work under {size.poll_interval_s:.0f} s ({joined} before, by joining); "
    )
    figure += "not scored" if left else f"{repeated} tiles again"
    held = not left and joined > 0 and rebalances == repeated == 0
    promise = f"Work of {_POLLS} times Kafka's max.poll.interval causes no rebalance"
    return [Row(promise, figure, held, seed, size.name)]


@contextmanager
def _patient(service: Service, poll_interval_s: float, work_s: float) -> Iterator[Service]:
    """The embedder with a shorter interval of Kafka's, and a longer one of its own."""
    longer = str(10 * work_s)
    settings = {
        "MEDULLA_KAFKA__MAX_POLL_INTERVAL_MS": f"{1000 * poll_interval_s:.0f}",
        "EMBEDDER_TRITON_TIMEOUT_S": longer,
        "EMBEDDER_TURN_S": longer,
    }
    service.stop()
    patient = replace(service, environment={**service.environment, **settings})
    patient.start()
    try:
        yield patient
    finally:
        patient.stop()


@contextmanager
def _held(system: System, seconds: float, embedder: Service) -> Iterator[None]:
    """Stop the encoder's server in its tracks until the embedder has been at work for so long."""
    program = system.parts.triton.program
    program.signal(signal.SIGSTOP)
    try:
        yield
        wait_for(lambda: _AT_WORK in embedder.metrics(), _PATIENCE_S)
        wait_for(lambda: False, seconds)
    finally:
        program.signal(signal.SIGCONT)


def _rebalances(system: System) -> int:
    return system.parts.kafka.program.log.read_text().count(_REBALANCE)
