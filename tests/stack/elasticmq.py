"""One ElasticMQ server, which speaks SQS as Amazon's does: long poll, visibility timeout, dead queue."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.stack import install, system
from tests.stack.process import Program, answers, require_free

_CONFIGURATION = """\
include classpath("application.conf")
node-address {{ protocol = http, host = 127.0.0.1, port = {port}, context-path = "" }}
rest-sqs {{ enabled = true, bind-port = {port}, bind-hostname = "127.0.0.1", sqs-limits = strict }}
rest-stats {{ enabled = false }}
queues {{
  s3-events {{
    defaultVisibilityTimeout = 30 seconds
    deadLettersQueue {{ name = "s3-events-dead", maxReceiveCount = 3 }}
  }}
  s3-events-dead {{ }}
}}
"""
_JVM = ("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True)
class ElasticMq:
    """A server on one port of loopback with the queues s3-events and s3-events-dead; it keeps nothing on disk."""

    folder: Path
    port: int

    @property
    def endpoint(self) -> str:
        """URL for SQS clients; any region and any keys will do."""
        return f"http://127.0.0.1:{self.port}"

    def queue_url(self, queue: str = "s3-events") -> str:
        """URL of a queue."""
        return f"{self.endpoint}/000000000000/{queue}"

    @cached_property
    def program(self) -> Program:
        """The server's process."""
        java = system.require("java", "default-jre-headless", "ElasticMQ")
        configuration = f"-Dconfig.file={self.folder}/elasticmq.conf"
        argv = [java, *_JVM, configuration, "-cp", f"{install.elasticmq()}/*", "org.elasticmq.server.Main"]
        return Program("elasticmq", self.folder, argv)

    def start(self) -> None:
        """Start with empty queues.

        Raises:
            StackError: it did not start.
        """
        require_free("ElasticMQ", self.port)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "elasticmq.conf").write_text(_CONFIGURATION.format(port=self.port))
        self.program.start(lambda: answers(f"{self.endpoint}/?Action=ListQueues"), seconds=120)

    def stop(self) -> None:
        """Shut down in order."""
        self.program.stop()

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""
        self.program.kill()
