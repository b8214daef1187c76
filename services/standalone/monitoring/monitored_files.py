"""One run of monitoring: reads scores and outcomes, writes the report, publishes what was found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from services.standalone.console import note
from services.standalone.errors import NoRiskOverTimeError, NothingToMonitorError
from services.standalone.laptop_results import DATABASE
from services.standalone.monitoring.given_risk import given_risk
from services.standalone.monitoring.given_scores import given_scores
from services.standalone.monitoring.later_outcomes import complete_until, later_outcomes
from services.trainer.bucket.copies import bucket_store
from services.trainer.bucket.s3_uri import s3_uri
from services.trainer.errors import BadCohortError
from services.trainer.monitoring.chart import Design
from services.trainer.monitoring.followed import Abstention, GivenRisk, LaterOutcome
from services.trainer.monitoring.monitor import monitor
from services.trainer.monitoring.monitor_report import MonitorReport
from services.trainer.monitoring.page import write_page
from services.trainer.monitoring.prometheus import write_metrics
from shared.blob.folder import FolderStore
from shared.blob.port import BlobStore
from shared.blob.s3 import S3Store
from shared.model.profile import Profile
from shared.monitoring import put_standing
from shared.settings import PlatformSettings, load
from shared.words import counted


@dataclass(frozen=True)
class Monitoring:
    """What to read, and what to look for."""

    scores: tuple[Path, ...]
    outcomes: tuple[Path, ...]
    complete_until: date | None
    since: date | None
    design: Design
    publish: bool


def monitored(options: Monitoring, profile: Profile, out: Path, at: datetime) -> MonitorReport:
    """Write monitor.json, monitor.html and the metrics into `out` and give the report; `at` is the time now.

    Raises:
        NothingToMonitorError: what is to be published has no store.
        NoRiskOverTimeError: no score has a risk over time.
        BadCohortError: outcomes are refused, or hold events alone.
    """
    given = _given(options, profile)
    outcomes = _outcomes(options, profile, given.risks)
    store = _store(options.scores) if options.publish else None
    report = monitor(given.risks, outcomes, profile, options.design, given.abstentions)
    out.mkdir(parents=True, exist_ok=True)
    report.write(out)
    write_page(report, out)
    write_metrics(report, at, out)
    if store:
        for each in report.bundles:
            put_standing(store, each.standing(at))
    return report


@dataclass(frozen=True)
class _GivenScores:
    """What the scores hold for monitoring."""

    risks: list[GivenRisk]
    abstentions: list[Abstention]
    without_times: int
    """Scores of outcomes without times."""

    @property
    def passed_over(self) -> list[str]:
        """In words, the scores that no bundle of the report counts."""
        bundles = {risk.bundle for risk in self.risks}
        cases = {(each.bundle, each.case_id) for each in self.abstentions if each.bundle not in bundles}
        abstained = f"the model abstained on {counted(len(cases), 'case')}"
        timeless = f"{counted(self.without_times, 'score')} of outcomes without times, which are not monitored"
        return [text for text, count in ((abstained, len(cases)), (timeless, self.without_times)) if count]


def _given(options: Monitoring, profile: Profile) -> _GivenScores:
    risks: list[GivenRisk] = []
    abstentions: list[Abstention] = []
    without_times = 0
    for each in given_scores(options.scores):
        if options.since and (each.given_on is None or each.given_on < options.since):
            continue
        read = given_risk(each.score, profile, each.given_on, each.site)
        if isinstance(read, GivenRisk):
            risks.append(read)
        elif read:
            abstentions.append(read)
        else:
            without_times += 1
    given = _GivenScores(risks, abstentions, without_times)
    if not risks:
        why = "; ".join(given.passed_over) or f"none is dated {options.since} or later"
        raise NoRiskOverTimeError(f"no score has a risk over time, so there is nothing to monitor: {why}")
    for text in given.passed_over:
        note(f"passed over: {text}")
    return given


def _outcomes(options: Monitoring, profile: Profile, risks: Sequence[GivenRisk]) -> dict[str, LaterOutcome]:
    """Outcomes of cases; events alone would make every model look as if its risks were too low."""
    outcomes = later_outcomes(options.outcomes, profile.outcome)
    if options.complete_until:
        return complete_until(outcomes, risks, options.complete_until)
    scored = {risk.case_id for risk in risks}
    joined = [each for case, each in outcomes.items() if case in scored]
    if joined and all(each.event for each in joined):
        raise BadCohortError(
            "the outcomes hold events alone, so nothing is known of how long the other cases had none; name with "
            "--complete-until the day until which every event would have been reported"
        )
    return outcomes


def _store(places: Sequence[Path]) -> BlobStore:
    """The bucket or folder whose page shows the result: the one that scores came from."""
    if not places:
        return S3Store(load(PlatformSettings).s3)
    uris = [s3_uri(place) for place in places]
    if len(places) == 1 and uris[0]:
        return bucket_store(uris[0].bucket)
    if len(places) == 1 and (places[0] / DATABASE).is_file():
        return FolderStore(places[0])
    raise NothingToMonitorError("--publish needs one bucket or one folder of `medulla up` as SCORES, or none at all")
