"""SQS as a second source of object events, on the bus port; its redrive policy handles messages given up."""

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from shared import aws
from shared.bus import headers, topics
from shared.bus.port import Delivery, Record
from shared.bus.refused_logins import RefusedLogins
from shared.bus.worker_pool import WorkerPool
from shared.errors import MedullaError
from shared.logs import get

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_MOST_A_POLL = 10
_LOOK_UP_S = 1.0
_UNKNOWN_KEY = "InvalidClientTokenId"
_log = get(__name__)


class SqsRefusedError(MedullaError):
    """The queue answers, but refuses the request."""


@dataclass(frozen=True, slots=True)
class SqsQueue:
    """One queue whose messages are S3 events."""

    client: "SQSClient"
    """With deadlines; its read timeout is above `long_poll_s`."""
    url: str
    visibility_s: int = 60
    """A message of a crashed worker is visible again after this; it is extended while a worker handles it."""
    long_poll_s: int = 5


def connect(url: str, region: str, endpoint_url: str | None = None) -> SqsQueue:
    """A queue at AWS, or at `endpoint_url`, with deadlines and the keys of the environment, see `aws.client`."""
    config = Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 3, "mode": "standard"})
    return SqsQueue(aws.client("sqs", region, endpoint_url, config), url)


class SqsConsumer:
    """Long-polls a queue: a message is deleted after its handler returned, else delivered again.

    Messages have no order; up to `concurrency` are handled in parallel.
    """

    def __init__(self, queue: SqsQueue, concurrency: int = 4, beat: Callable[[], None] = lambda: None) -> None:
        self._queue = queue
        self._concurrency = concurrency
        self._beat = beat

    def run(self, stop: Event, handle: Callable[[Delivery], None]) -> None:
        """Consume until `stop` is set, then finish what is in flight.

        Raises:
            SqsRefusedError: there is no such queue, no right to read it, or our key is unknown for five minutes.
        """
        _ReceiveLoop(self._queue, self._concurrency, handle, stop).run(self._beat)


class _ReceiveLoop:
    def __init__(self, queue: SqsQueue, concurrency: int, handle: Callable[[Delivery], None], stop: Event) -> None:
        self._queue = queue
        self._concurrency = concurrency
        self._handle = handle
        self._stop = stop
        self._error: BaseException | None = None
        self._refusals = RefusedLogins(_is_unknown_key)
        self._pool = WorkerPool(concurrency, "sqs")
        self._at_work: dict[Future[None], tuple[str, float]] = {}
        """Receipt of each message at work, and when it becomes visible again (monotonic seconds)."""

    def run(self, beat: Callable[[], None]) -> None:
        while self._at_work or not self._ending():
            beat()
            room = self._concurrency - len(self._at_work)
            if self._ending() or not room:
                wait(self._at_work, _LOOK_UP_S, FIRST_COMPLETED)
            else:
                self._start(self._receive(min(room, _MOST_A_POLL)))
            self._extend()
            self._collect()
        if self._error is not None:
            raise self._error

    def _ending(self) -> bool:
        return self._stop.is_set() or self._error is not None

    def _receive(self, room: int) -> list["MessageTypeDef"]:
        try:
            return self._queue.client.receive_message(
                QueueUrl=self._queue.url,
                MaxNumberOfMessages=room,
                WaitTimeSeconds=1 if self._at_work else self._queue.long_poll_s,
                VisibilityTimeout=self._queue.visibility_s,
                MessageSystemAttributeNames=["SentTimestamp"],
            ).get("Messages", [])
        except (BotoCoreError, ClientError) as error:
            if not self._refusals.may_end(error):
                _raise_refusal(error, self._queue.url)
            _log.warning("queue does not answer", error=str(error))
            self._stop.wait(_LOOK_UP_S)
            return []

    def _start(self, messages: list["MessageTypeDef"]) -> None:
        for message in messages:
            if self._ending():
                self._hide(message["ReceiptHandle"], 0)
                continue
            work = self._pool.submit(self._work, message)
            self._at_work[work] = message["ReceiptHandle"], time.monotonic() + self._queue.visibility_s

    def _work(self, message: "MessageTypeDef") -> None:
        self._handle(_to_delivery(message))
        try:
            self._queue.client.delete_message(QueueUrl=self._queue.url, ReceiptHandle=message["ReceiptHandle"])
        except (BotoCoreError, ClientError) as error:
            _log.warning("message is done but not deleted; it will be delivered again", error=str(error))

    def _extend(self) -> None:
        """Keep messages at work hidden: extend their time once half of it has passed."""
        for work, (receipt, until) in self._at_work.items():
            if until - time.monotonic() < self._queue.visibility_s / 2 and not work.done():
                self._hide(receipt, self._queue.visibility_s)
                self._at_work[work] = receipt, time.monotonic() + self._queue.visibility_s

    def _hide(self, receipt: str, seconds: int) -> None:
        try:
            self._queue.client.change_message_visibility(
                QueueUrl=self._queue.url, ReceiptHandle=receipt, VisibilityTimeout=seconds
            )
        except (BotoCoreError, ClientError) as error:
            _log.warning("message may be delivered again while it is at work", error=str(error))

    def _collect(self) -> None:
        for work in [work for work in self._at_work if work.done()]:
            del self._at_work[work]
            self._error = self._error or work.exception()


def _to_delivery(message: "MessageTypeDef") -> Delivery:
    origin = f"{topics.S3_EVENTS}/sqs/{message['MessageId']}"
    record = Record(topics.S3_EVENTS, "", message["Body"].encode("utf-8", "surrogatepass"), {headers.ORIGIN: origin})
    return Delivery(record, 0, 0, int(message.get("Attributes", {}).get("SentTimestamp", "0")) / 1000)


def _code(error: Exception) -> str:
    return error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""


def _is_unknown_key(error: Exception) -> bool:
    return _UNKNOWN_KEY in _code(error)


def _raise_refusal(error: Exception, url: str) -> None:
    """Raises SqsRefusedError when a retry cannot help: no such queue, no right to it, or an unknown key."""
    code = _code(error)
    if any(sign in code for sign in ("NonExistent", "DoesNotExist", "AccessDenied", _UNKNOWN_KEY)):
        raise SqsRefusedError(f"queue {url} refuses us ({code}); check its address and our right to read it") from error
