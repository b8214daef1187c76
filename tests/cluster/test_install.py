"""Installed on a cluster: hooks first, every pod ready, a slide put into the bucket is scored and shown."""

import json
import re
from collections.abc import Callable

from tests.support.cluster.images import TAG
from tests.support.cluster.observer import Observer
from tests.support.cluster.site import Site

_TOPICS = """
import json
from contextlib import closing
from kafka.admin import KafkaAdminClient
from shared.bus.kafka_client import connection
from shared.settings import PlatformSettings, load
with closing(KafkaAdminClient(**connection(load(PlatformSettings).kafka))) as admin:
    print(json.dumps({each["name"]: len(each["partitions"]) for each in admin.describe_topics()}))
"""
_ERROR = re.compile(r'"level": ?"error"|^E\d{4} (?!.*CudaDriverHelper)', re.MULTILINE)
"""An error in the log of a service, or of Triton, but for its missing a GPU."""


def test_the_jobs_of_an_installation_made_the_topics_and_every_service_is_ready(site: Site) -> None:
    existing = json.loads(site.namespace.exec(site.medulla.pod("results"), "python", "-c", _TOPICS))
    assert existing["slides.tiled"] == 6
    assert {"s3.events", "cases.scored", "dead.letters", "embedder.retry"} <= set(existing)
    assert site.medulla.object_name("migrations") not in site.namespace.names("jobs"), "a hook that went well goes"
    site.medulla.wait_ready(seconds=5)


def test_helm_test_puts_a_slide_sees_its_score_and_erases_its_case(site: Site, observer: Observer) -> None:
    output = site.medulla.helm("test", site.medulla.name, "--logs")
    assert "scored after" in output
    case = output.partition("put a slide as case ")[2].partition(";")[0]
    assert f"case {case}: erased" in output
    observer.wait_erased(case)


def test_a_slide_put_into_the_bucket_is_scored_and_shown(
    observer: Observer, as_in_calm: Callable[[list[str]], None]
) -> None:
    cases = observer.land("shown", [0])
    observer.wait_scored(cases)
    as_in_calm(cases)
    score = observer.only_score(cases[0])
    assert score["provenance"]["program_version"] == TAG
    assert score["notice"].startswith("Research use only")
    assert observer.get(f"/cases/{cases[0]}/slides/{cases[0]}.tiff/attention")


def test_no_pod_has_restarted_or_says_an_error(site: Site) -> None:
    for pod in site.medulla.pods():
        name, status = pod["metadata"]["name"], pod["status"]
        for each in (*status.get("initContainerStatuses", []), *status["containerStatuses"]):
            assert each["restartCount"] == 0, (name, each["name"])
            assert not _ERROR.search(site.namespace.logs(name, each["name"])), (name, each["name"])
