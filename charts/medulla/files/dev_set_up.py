"""Makes the bucket of `dev.enabled`, has it announce what lands there and, if asked, promotes the demo bundle."""

import subprocess
import sys
from pathlib import Path

import services.standalone
from shared import model_keys
from shared.blob.s3 import S3Store, client
from shared.bus.s3_events import notifications
from shared.settings import PlatformSettings, load

BUNDLE = Path(services.standalone.__file__).parent / "demo" / "bundle"
QUEUE = "arn:minio:sqs::PRIMARY:kafka"


def main(bundle: str) -> int:
    """Returns 0 when bucket and bundle are ready; run it again after any other exit code."""
    settings = load(PlatformSettings).s3
    s3 = client(settings)
    try:
        s3.create_bucket(Bucket=settings.bucket)
    except s3.exceptions.BucketAlreadyOwnedByYou:
        print(f"bucket {settings.bucket} is there already", flush=True)
    s3.put_bucket_notification_configuration(
        Bucket=settings.bucket,
        NotificationConfiguration={"QueueConfigurations": notifications(QUEUE)},
    )
    print(f"bucket {settings.bucket} announces what lands in it", flush=True)
    if bundle == "--demo-bundle" and S3Store(settings).head(model_keys.CURRENT_BUNDLE) is None:
        return subprocess.run(["medulla", "rescore", "--bundle", str(BUNDLE)], check=False).returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
