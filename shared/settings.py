"""Settings that every service shares, read from the environment and secret files in `__main__`; see also `renewed`."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from shared.errors import MedullaError
from shared.home import Home

SECRETS_DIR = "MEDULLA_SECRETS_DIR"
"""Environment variable naming a directory of files, each named after the variable it stands for."""

S = TypeVar("S", bound=BaseSettings)
_PREFIX = r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$"
Port = Annotated[int, Field(ge=0, le=65535)]


class BadSettingsError(MedullaError):
    """Settings are wrong; the text has one sentence for each variable and never a value."""


def _http_url(text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    return text.rstrip("/")


HttpUrl = Annotated[str, AfterValidator(_http_url)]


class Section(BaseModel):
    """A frozen group of settings; names it does not know are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class KafkaLogin(NamedTuple):
    """A user of Kafka with its password."""

    username: str
    password: SecretStr


class KafkaSettings(Section):
    """How to reach the brokers."""

    bootstrap_servers: str = "127.0.0.1:9092"
    """Comma-separated host:port."""
    prefix: str = Field(default="", max_length=20, pattern=_PREFIX)
    """Name of this installation on a Kafka that several share; topics and groups begin with it (`north.progress`)."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str = ""
    sasl_password: SecretStr | None = None
    ssl_cafile: Path | None = None
    group_instance_id: str = ""
    """Static membership: a name that is stable across restarts, such as the pod's; empty for a dynamic member."""
    session_timeout_ms: int = Field(default=45_000, ge=6_000)
    max_poll_interval_ms: int = Field(default=300_000, ge=10_000)

    def login(self) -> KafkaLogin:
        """What the next connection logs in with; see `renewed.platform`."""
        return KafkaLogin(self.sasl_username, self.sasl_password or SecretStr(""))


class S3Settings(Section):
    """How to reach the one bucket that holds everything."""

    bucket: str = "medulla"
    prefix: str = Field(default="", max_length=20, pattern=_PREFIX)
    """Name of this installation in a bucket that several share; every key begins with it (`north/slides/…`)."""
    endpoint_url: HttpUrl | None = None
    """None for AWS itself."""
    region: str = "us-east-1"
    access_key_id: str | None = None
    secret_access_key: SecretStr | None = None
    """Both keys None: the ambient credentials of the machine or pod."""
    addressing_style: Literal["path", "virtual", "auto"] = "path"
    connect_timeout_s: float = Field(default=5, gt=0)
    read_timeout_s: float = Field(default=60, gt=0)
    max_attempts: int = Field(default=4, ge=1)
    """Tries of one request, the first one counted."""
    max_connections: int = Field(default=32, ge=1)

    @property
    def home(self) -> Home:
        """Where all objects are."""
        return Home(self.bucket, f"{self.prefix}/" if self.prefix else "")

    def of(self, bucket: str) -> Self:
        """These settings for a bucket by its name; another one than our own has no prefix."""
        return self if bucket == self.bucket else self.model_copy(update={"bucket": bucket, "prefix": ""})


class SqsSettings(Section):
    """A queue of S3 events that a service reads in addition to Kafka; services must not share one queue."""

    url: str
    region: str = "us-east-1"
    endpoint_url: HttpUrl | None = None
    """None for AWS itself."""


RoleName = Annotated[str, Field(min_length=1, max_length=200)]


class Roles(Section):
    """Names in the token that grant each role."""

    viewer: tuple[RoleName, ...] = ("viewer",)
    """Empty: nobody has it."""
    operator: tuple[RoleName, ...] = ("operator",)

    @model_validator(mode="after")
    def _admits_somebody(self) -> Self:
        if not (self.viewer or self.operator):
            raise ValueError("viewer and operator are both empty: nobody could log in")
        return self

    def given_by(self, names: Collection[str]) -> frozenset[str]:
        """The roles here of a caller whose token has these names."""
        return frozenset(role for role, wanted in self if not set(names).isdisjoint(wanted))


class AuthSettings(Section):
    """The OpenID issuer whose bearer tokens are accepted."""

    issuer: HttpUrl = ""
    """The `iss` of a token, and where OpenID discovery starts; empty: no authentication, loopback only."""
    audience: str = "medulla"
    roles_claim: str = "roles"
    """Dotted path of the claim that lists roles or groups, such as `realm_access.roles` of Keycloak."""
    roles: Roles = Roles()
    """Names in that claim that make a viewer or an operator: `MEDULLA_AUTH__ROLES__VIEWER=["north-pathologists"]`."""
    client_id: str = "medulla-page"
    """Public client with which the page of results logs in (authorization code with PKCE)."""
    jwks_url: HttpUrl = ""
    """URL of the issuer's keys; empty: from discovery."""
    leeway_s: float = Field(default=30, ge=0, le=300)
    """Largest difference between the clocks of issuer and service."""
    timeout_s: float = Field(default=5, gt=0)
    """Deadline of one request to the issuer."""


class ServiceSettings(BaseSettings):
    """Base of each service's settings: frozen; environment first, then files in `MEDULLA_SECRETS_DIR`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        hide_input_in_errors=True,
        secrets_dir_missing="error",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the base class names the arguments
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base class names the arguments
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over secret files."""
        secrets = NestedSecretsSettingsSource(file_secret_settings, secrets_dir=os.environ.get(SECRETS_DIR) or None)
        return init_settings, env_settings, secrets


class PlatformSettings(ServiceSettings):
    """What all services have in common, e.g. `MEDULLA_KAFKA__BOOTSTRAP_SERVERS=kafka:9092`."""

    model_config = SettingsConfigDict(env_prefix="MEDULLA_")

    kafka: KafkaSettings = KafkaSettings()
    s3: S3Settings = S3Settings()
    auth: AuthSettings = AuthSettings()
    http_host: str = "127.0.0.1"
    """Where /livez, /readyz and /metrics listen; 0.0.0.0 in a pod."""
    http_port: Port = 8081
    """0 for any free port."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    trace_url: str = ""
    """Address of a trace, e.g. `https://grafana.hospital.example/trace/{trace_id}`; lists of what waits link to it."""
    otlp_endpoint: HttpUrl = ""
    """OTLP gRPC collector that receives traces; empty: none are kept."""
    grpc_reflection: bool = False
    """gRPC servers describe their services to clients such as grpcurl, under the same tokens and roles."""
    drain_timeout_s: float = Field(default=60, gt=0)
    """How long parts may take to finish what is in flight once the process is told to stop."""


def load(settings: type[S], **overrides: Any) -> S:
    """Read settings from the environment and secret files.

    Raises:
        BadSettingsError: a value is wrong, or the directory of secrets is not there.
    """
    try:
        return settings(**overrides)
    except ValidationError as error:
        prefix = settings.model_config.get("env_prefix", "")
        raise BadSettingsError(" ".join(_sentence(prefix, item) for item in error.errors())) from None
    except SettingsError as error:
        raise BadSettingsError(f"{error}; nested variables are written with two underscores.") from None


def _sentence(prefix: str, item: Mapping[str, Any]) -> str:
    name = prefix + "__".join(str(step) for step in item["loc"]).upper()
    if item["type"] == "extra_forbidden":
        return f"{name} is not a setting; check its spelling."
    if item["type"] == "missing":
        return f"{name} is not set."
    message: str = item["msg"].removeprefix("Value error, ")
    return f"{name} is wrong: {message[:1].lower()}{message[1:]}."
