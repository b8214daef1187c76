"""The results of `medulla up`: what is refused carries advice for the person at this machine."""

from medulla.v1.events_pb2 import SlideRejected

from services.results.sql_store import SqlStore
from services.standalone.advice import here


class LaptopResults(SqlStore):
    """Results whose refusals name no setting of a cluster."""

    def record_rejection(self, rejection: SlideRejected) -> bool:
        """See ResultStore."""
        shown = SlideRejected()
        shown.CopyFrom(rejection)
        shown.advice = here(rejection.reason, rejection.advice)
        return super().record_rejection(shown)
