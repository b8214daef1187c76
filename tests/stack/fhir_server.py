"""One HAPI FHIR R4 server, as hospitals run it, with a database in memory."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.stack import install, system
from tests.stack.process import Program, listening, require_free

_PROGRAM = Path(__file__).parent.parent / "support" / "fhir" / "ServeR4.java"
_JVM = ("-Xmx700m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True)
class FhirServer:
    """A server on one port of loopback; it keeps nothing on disk, and takes one bearer token."""

    folder: Path
    port: int

    @property
    def base(self) -> str:
        """URL of the FHIR API."""
        return f"http://127.0.0.1:{self.port}/fhir"

    @property
    def token_file(self) -> Path:
        """The file with the token that the server takes; it is read at each request."""
        return self.folder / "token"

    @cached_property
    def program(self) -> Program:
        """The server's process."""
        java = system.require("java", "default-jdk-headless", "The FHIR server")
        argv = [java, *_JVM, "-cp", f"{install.fhir_server()}/*", str(_PROGRAM), str(self.port), str(self.token_file)]
        return Program("fhir_server", self.folder, argv)

    def start(self) -> None:
        """Start without any resource; it listens once it is ready.

        Raises:
            StackError: it did not start.
        """
        require_free("The FHIR server", self.port)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.token_file.write_text("secret-of-the-test")
        self.program.start(lambda: listening(self.port), seconds=240)

    def stop(self) -> None:
        """Shut down."""
        self.program.stop()
