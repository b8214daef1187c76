"""Events that a site's bucket does not announce, and the sweep that closes them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mypy_boto3_s3 import S3Client

from tests.support.cluster.observer import Observer
from tests.support.cluster.site import BUCKET, Site

_JOB = "sweep-now"


@contextmanager
def silent_bucket(observer: Observer) -> Iterator[None]:
    """A bucket that announces nothing: events of that time are lost for good."""
    announced = dict(observer.store(lambda s3: s3.get_bucket_notification_configuration(Bucket=BUCKET)))
    announced.pop("ResponseMetadata")
    observer.store(lambda s3: _announce(s3, {}))
    try:
        yield
    finally:
        observer.store(lambda s3: _announce(s3, announced))


def _announce(s3: S3Client, configuration: Any) -> None:
    s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=configuration)


def sweep(site: Site) -> None:
    """Run the release's scheduled sweep now, to its end."""
    site.namespace.kubectl("create", "job", _JOB, f"--from=cronjob/{site.medulla.object_name('sweep')}")
    try:
        site.namespace.kubectl("wait", f"job/{_JOB}", "--for=condition=complete", "--timeout=300s", timeout=310)
    finally:
        site.namespace.attempt("delete", "job", _JOB)
