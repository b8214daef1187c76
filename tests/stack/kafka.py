"""One Kafka broker (KRaft), that a test may kill and start again."""

import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.stack import install, system
from tests.stack.process import Program, listening, require_free

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=2000
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=16777216
"""
_LOGGING = """\
rootLogger.level=WARN
rootLogger.appenderRef.o.ref=o
appender.o.type=Console
appender.o.name=o
appender.o.layout.type=PatternLayout
appender.o.layout.pattern=%d{ISO8601} %p %c{1} %m%n
logger.s.name=kafka.server
logger.s.level=INFO
logger.g.name=org.apache.kafka.coordinator.group.GroupMetadataManager
logger.g.level=INFO
"""
_JVM = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError")
_STARTED = b"Kafka Server started"


@dataclass(frozen=True)
class Kafka:
    """A broker on two ports of loopback, its data and log in `folder`."""

    folder: Path
    port: int
    controller_port: int

    @property
    def bootstrap(self) -> str:
        """Address for clients."""
        return f"127.0.0.1:{self.port}"

    @cached_property
    def program(self) -> Program:
        """The broker's process."""
        return Program("kafka", self.folder, [*self._java(), "kafka.Kafka", "server.properties"])

    def _java(self) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self.folder}/log4j2.properties"
        return [system.require("java", "default-jre-headless", "Kafka"), *_JVM, logging, "-cp", f"{install.kafka()}/*"]

    def start(self) -> None:
        """Start on whatever data the folder holds; ready when clients may connect.

        Raises:
            StackError: it did not start.
        """
        require_free("Kafka", self.port, self.controller_port)
        if not (self.folder / "data").exists():
            self._format()
        already = self.program.log.stat().st_size if self.program.log.exists() else 0
        self.program.start(lambda: self._started_since(already) and listening(self.port), seconds=120)

    def _format(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "server.properties").write_text(self._properties())
        (self.folder / "log4j2.properties").write_text(_LOGGING)
        identity = urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={identity}", "--ignore-formatted", "-c"]
        system.run("kafka-format", [*self._java(), *tool, str(self.folder / "server.properties")])

    def _properties(self) -> str:
        return _PROPERTIES.format(port=self.port, controller=self.controller_port, folder=self.folder)

    def _started_since(self, offset: int) -> bool:
        return _STARTED in self.program.log.read_bytes()[offset:]

    def stop(self) -> None:
        """Shut down in order."""
        self.program.stop()

    def kill(self) -> None:
        """End it as a crash would (SIGKILL); `start` brings it back with its data."""
        self.program.kill()
