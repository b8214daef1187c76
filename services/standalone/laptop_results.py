"""The results of `medulla up`, whose refusals carry advice for this machine."""

from pathlib import Path

from medulla.v1.events_pb2 import SlideRejected

from services.results.sql_store import SqlStore
from services.standalone.advice import here

DATABASE = "results.sqlite"
"""File of the results, in the watched folder."""


def database_url(folder: Path) -> str:
    """The SQLite file of a watched folder."""
    return f"sqlite:///{folder / DATABASE}"


class LaptopResults(SqlStore):
    """Results with advice that mentions no settings of a cluster; `bundle` is the one that refuses records."""

    def __init__(self, url: str, bundle: Path | None = None) -> None:
        super().__init__(url)
        self._bundle = bundle

    def record_rejection(self, rejection: SlideRejected) -> bool:
        """See ResultStore."""
        shown = SlideRejected()
        shown.CopyFrom(rejection)
        shown.advice = here(rejection.reason, rejection.advice, self._bundle)
        return super().record_rejection(shown)
