"""What the broker of a site knows of its consumers."""

import json

from tests.support.cluster.site import Site

_MEMBERS = """
import json, sys
from contextlib import closing
from kafka.admin import KafkaAdminClient
from shared.bus.kafka_client import connection
from shared.settings import PlatformSettings, load
with closing(KafkaAdminClient(**connection(load(PlatformSettings).kafka))) as admin:
    [group] = admin.describe_groups([sys.argv[1]]).values()
print(json.dumps(sorted(each["member_id"] for each in group["members"])))
"""


def members(site: Site, group: str) -> tuple[str, ...]:
    """Id of each member of a consumer group; one that leaves and comes back has another."""
    pod = site.medulla.pod("results")
    return tuple(json.loads(site.namespace.exec(pod, "python", "-c", _MEMBERS, group)))
