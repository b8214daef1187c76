"""Slides that wait as results lists them: one that a service tries again, and one that it works on."""

from shared.waiting import WaitingList, WaitingSlide
from tests.support import scores as samples

TRACE = "https://traces.example/0af7651916cd43dd8448eb211c80319c"
LAST_TRACE = "https://traces.example/4bf92f3577b34da6a3ce929d0e0e4736"
_LONG = "a-slide-whose-name-is-as-long-as-a-laboratory-writes-them-2026-11-30-block-B7.svs"


def waiting_list() -> WaitingList:
    """Two slides with their traces, the first with its next attempt."""
    again = WaitingSlide(
        "MB-0100", "C1.svs", samples.at(1), "embedding", samples.at(4), "Triton does not answer.", samples.at(30), TRACE
    )
    works = WaitingSlide(
        "MB-0102", _LONG, samples.at(3), "planning", samples.at(5), "planning has begun", trace=LAST_TRACE
    )
    return WaitingList(samples.at(9), [again, works])
