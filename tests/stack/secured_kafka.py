"""A Kafka broker that clients reach over TLS with a password, and with no right that was not given to them."""

import secrets
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field

from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from pydantic import SecretStr

from shared.bus.kafka_client import connection
from shared.settings import KafkaSettings
from tests.stack.kafka import Kafka
from tests.support.certificates import self_signed

_USER = "medulla"
_PROPERTIES = """\
listeners=PLAINTEXT://127.0.0.1:{port},SECURE://127.0.0.1:{secure},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SECURE://127.0.0.1:{secure}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""
"""The later of two lines about one setting counts; the plain listener stays, for administration."""


@dataclass(frozen=True)
class SecuredKafka(Kafka):
    """A broker with a third port, on which it asks for SCRAM over TLS."""

    secure_port: int
    password: str = field(default_factory=secrets.token_urlsafe, repr=False)

    @property
    def settings(self) -> KafkaSettings:
        """How the user connects."""
        return KafkaSettings(
            bootstrap_servers=f"127.0.0.1:{self.secure_port}",
            security_protocol="SASL_SSL",
            sasl_username=_USER,
            sasl_password=SecretStr(self.password),
            ssl_cafile=self.folder / "tls.crt",
        )

    def start(self) -> None:
        """Start, and let the user in; later starts keep the password that was set last."""
        is_new = not (self.folder / "data").exists()
        super().start()
        if is_new:
            self.set_password(self.password)

    def set_password(self, password: str) -> None:
        """Let the user in with this password alone."""
        user = UserScramCredentialUpsertion(_USER, ScramMechanism.SCRAM_SHA_512, password)
        with self._admin() as admin:
            admin.alter_user_scram_credentials([user])

    def allow(self, topics: Iterable[str], groups: Iterable[str]) -> None:
        """Let the user read and write these topics as a member of these groups."""
        topic, group = ResourceType.TOPIC, ResourceType.GROUP
        resources = [*((topic, name) for name in topics), *((group, name) for name in groups)]
        every, may = ACLOperation.ALL, ACLPermissionType.ALLOW
        acls = [ACL(f"User:{_USER}", "*", every, may, ResourcePattern(kind, name)) for kind, name in resources]
        with self._admin() as admin:
            admin.create_acls(acls)

    def _admin(self) -> closing[KafkaAdminClient]:
        return closing(KafkaAdminClient(**connection(KafkaSettings(bootstrap_servers=self.bootstrap))))

    def _renew_certificate(self) -> None:
        """Each start has a certificate of another authority, which `settings` trusts at once."""
        pair = self_signed(self.folder)
        (self.folder / "broker.pem").write_bytes(pair.private_key.read_bytes() + pair.certificate.read_bytes())

    def _properties(self) -> str:
        self._renew_certificate()
        ours = {"port": self.port, "secure": self.secure_port, "controller": self.controller_port}
        return super()._properties() + _PROPERTIES.format(folder=self.folder, **ours)
