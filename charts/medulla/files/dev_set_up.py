"""Makes the bucket of `dev.enabled`, has it announce its objects to Kafka and, if asked, promotes the demo bundle."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

import services.standalone
from shared.settings import PlatformSettings, S3Settings, load

BUNDLE = Path(services.standalone.__file__).parent / "demo" / "bundle"
QUEUE = "arn:minio:sqs::PRIMARY:kafka"


def main(bundle: str) -> int:
    """0 when bucket and bundle stand; run again after anything else."""
    settings = load(PlatformSettings).s3
    s3 = client(settings)
    try:
        s3.create_bucket(Bucket=settings.bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise
    queue = {"QueueArn": QUEUE, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=settings.bucket, NotificationConfiguration={"QueueConfigurations": [queue]}
    )
    print(f"bucket {settings.bucket} announces its objects", flush=True)
    promoted = s3.list_objects_v2(Bucket=settings.bucket, Prefix="models/bundles/current.json")["KeyCount"]
    if bundle == "--demo-bundle" and not promoted:
        return subprocess.run(["medulla", "rescore", "--bundle", str(BUNDLE)], check=False).returncode
    return 0


def client(settings: S3Settings) -> Any:
    """A boto3 client with deadlines."""
    secret = settings.secret_access_key.get_secret_value() if settings.secret_access_key else None
    return boto3.client(
        "s3",
        endpoint_url=settings.endpoint_url,
        region_name=settings.region,
        aws_access_key_id=settings.access_key_id,
        aws_secret_access_key=secret,
        config=boto3.session.Config(connect_timeout=5, read_timeout=30, s3={"addressing_style": "path"}),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
