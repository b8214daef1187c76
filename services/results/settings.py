"""Settings of results, read only in `__main__`."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from services.results.progress_feed import LOOK_EVERY_S, WATCHERS
from shared.rpc.server import ServerTls
from shared.settings import Port, ServiceSettings


class ResultsSettings(ServiceSettings):
    """What results alone needs, e.g. `RESULTS_DATABASE_URL=postgresql://medulla@db/medulla`."""

    model_config = SettingsConfigDict(env_prefix="RESULTS_")

    database_url: SecretStr
    """`postgresql://user:password@host:port/name`, or `sqlite:///path` on a laptop."""
    migrate_at_start: bool = False
    """Bring the database to the newest schema at start; in a cluster a job does it once instead."""
    http_host: str = "127.0.0.1"
    """Where REST and the page listen; 0.0.0.0 in a pod."""
    http_port: Port = 8080
    grpc_address: str = "127.0.0.1:50054"
    grpc_tls: ServerTls | None = None
    """PEM files, e.g. `RESULTS_GRPC_TLS__CERTIFICATE`; None where a mesh or an ingress encrypts."""
    login_scope: str = "openid"
    """Scopes that the page asks of the token issuer, so that its tokens carry audience and roles."""
    login_origins: tuple[str, ...] = ()
    """Origins that the page has to reach for a login, other than the issuer's own, such as its token endpoint's."""
    watchers: int = Field(default=WATCHERS, ge=1)
    """How many may watch progress at once."""
    look_every_s: float = Field(default=LOOK_EVERY_S, gt=0)
    """How often the database is looked at for those who watch."""
    waiting_look_every_s: float = Field(default=300, gt=0)
    """How often the bucket is looked through for slides that wait; each look lists all of them."""
