"""How many announcements of objects wait for a service, in Kafka and in its queue."""

from botocore.exceptions import BotoCoreError, ClientError

from shared.bus import kafka_backlog, topics
from shared.bus.sqs import SqsQueue, connect
from shared.errors import TransientError
from shared.settings import KafkaSettings, SqsSettings


class QueueLengthError(TransientError):
    """A queue does not say how many messages it holds."""


def unfinished_hints(kafka: KafkaSettings, sqs: SqsSettings | None, group: str) -> int:
    """Announcements that wait, are at work or are to be tried again.

    Raises:
        TransientError: Kafka or the queue does not answer, or the queue refuses `sqs:GetQueueAttributes`.
        KafkaRefusedError: no right to read the topics or the group.
    """
    queued = in_queue(connect(sqs.url, sqs.region, sqs.endpoint_url)) if sqs else 0
    return queued + kafka_backlog.unfinished(kafka, group, (topics.S3_EVENTS, topics.retry_topic(group)))


def in_queue(queue: SqsQueue) -> int:
    """Messages of a queue that wait or are at work, about as many as it knows of.

    Raises:
        QueueLengthError: it does not answer, or refuses `sqs:GetQueueAttributes`.
    """
    try:
        answer = queue.client.get_queue_attributes(
            QueueUrl=queue.url,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )
    except (BotoCoreError, ClientError) as error:
        raise QueueLengthError(f"queue {queue.url} does not say how many messages it holds ({error})") from error
    return sum(int(number) for number in answer.get("Attributes", {}).values())
