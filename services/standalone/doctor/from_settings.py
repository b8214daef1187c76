"""The running system as the settings of this process name it."""

from collections.abc import Callable
from functools import partial

from services.fusion_scorer.settings import ScorerSettings
from services.standalone.doctor.readiness import DoctorSettings
from services.standalone.doctor.running_parts import ANNOUNCED_WITHIN_S, RunningParts
from shared.blob.s3 import S3Store
from shared.bus.kafka_reading import topic_names
from shared.bus.kafka_watch import arrives
from shared.settings import PlatformSettings, load


def running_parts() -> RunningParts:
    """Parts by MEDULLA_…, SCORER_… and DOCTOR_… variables.

    Raises:
        BadSettingsError: a variable is wrong.
    """
    platform, scorer, doctor = load(PlatformSettings), load(ScorerSettings), load(DoctorSettings)

    def is_announced(key: str, act: Callable[[], object]) -> bool:
        return arrives(platform.kafka, platform.s3.home.whole(key), act, ANNOUNCED_WITHIN_S)

    return RunningParts(
        S3Store(platform.s3),
        partial(topic_names, platform.kafka),
        is_announced,
        platform.auth,
        scorer.public_key,
        doctor.results_url,
        doctor.further_topics,
        doctor.events_queue,
    )
