"""Settings of results, read only in `__main__`."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from services.results.fhir_server import FhirSettings
from services.results.progress_feed import LOOK_EVERY_S, WATCHERS
from shared.rpc.client_tls import ClientTls
from shared.rpc.server_tls import ServerTls
from shared.settings import Port, ServiceSettings

_FEWEST_DAYS = 30


def _long_enough(days: int) -> int:
    if days < _FEWEST_DAYS:
        raise ValueError(f"a case is erased after {_FEWEST_DAYS} days without activity at the earliest")
    return days


class ResultsSettings(ServiceSettings):
    """Settings of results, e.g. `RESULTS_DATABASE_URL=postgresql://medulla@db/medulla`."""

    model_config = SettingsConfigDict(env_prefix="RESULTS_")

    database_url: SecretStr
    """`postgresql://user:password@host:port/name`, or `sqlite:///path` on a laptop."""
    migrate_at_start: bool = False
    """Migrate the database at start; in a cluster a job does it once instead."""
    audit_key: SecretStr | None = None
    """Signs how far the audit record was verified, so that a request verifies what came since; keep it out of the
    database's reach. None: a request verifies the latest 10,000 entries, and `verify-audit` the whole record."""
    http_host: str = "127.0.0.1"
    """Where REST and the page listen; 0.0.0.0 in a pod."""
    http_port: Port = 8080
    grpc_address: str = "127.0.0.1:50054"
    grpc_tls: ServerTls | None = None
    """PEM files, e.g. `RESULTS_GRPC_TLS__CERTIFICATE`; None where a mesh or an ingress encrypts."""
    tiler_address: str = "127.0.0.1:50051"
    """The tiler's gRPC, which reads the pixels of slides; `dns:///host:port` spreads calls over all its replicas."""
    tiler_tls: ClientTls | None = None
    scorer_address: str = "127.0.0.1:50053"
    """The scorer's gRPC, which answers "what if"; `dns:///host:port` spreads calls over all its replicas."""
    scorer_tls: ClientTls | None = None
    fhir: FhirSettings | None = None
    """FHIR server that receives the document of each case, e.g. `RESULTS_FHIR__URL`; None: none does."""
    login_scope: str = "openid"
    """Scopes that the page requests from the token issuer, so that its tokens carry audience and roles."""
    login_origins: tuple[str, ...] = ()
    """Origins that the page must reach for a login besides the issuer's, such as its token endpoint's."""
    watchers: int = Field(default=WATCHERS, ge=1)
    """Largest number of watchers of progress."""
    look_every_s: float = Field(default=LOOK_EVERY_S, gt=0)
    """Time between two queries of the database for watchers."""
    archive_after_days: int = Field(default=365, ge=1)
    """Age from which `python -m services.results archive` moves superseded scores into the bucket."""
    cases_kept_days: Annotated[int, AfterValidator(_long_enough)] | None = None
    """Days, 30 or more, without activity until `python -m services.results retain` has a case erased; None: `retain`
    ends with an error, since nothing says what to erase."""
    cases_erased_at_once: int = Field(default=100, ge=1)
    """Largest number of cases of which one run of `retain` requests the erasure, as erasures go before live work."""
    views_kept_days: int = Field(default=730, ge=1)
    """How long it is kept who looked at which case."""
    waiting_look_every_s: float = Field(default=300, gt=0)
    """Time between two checks of the bucket for pending slides; one replica at a time lists all slides."""
