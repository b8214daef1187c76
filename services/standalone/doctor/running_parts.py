"""Checks bucket, Kafka, database, issuer, signing key, events and bundle by the settings of this process."""

import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

from services.fusion_scorer.errors import NoBundleError
from services.fusion_scorer.promoted import Bundles
from services.results.sql_store import SqlStore
from services.standalone.doctor.findings import Check, Finding
from services.standalone.doctor.readiness import database_of_results
from shared.blob.port import BlobStore
from shared.bus import topics
from shared.model import signature
from shared.rpc.issuer_keys import IssuerKeys
from shared.settings import AuthSettings

_GROUPS = ("tiler", "embedder", "fusion_scorer", "results")
_DATABASE = "RESULTS_DATABASE_URL"
_PROBE = "operations/doctor.json"
ANNOUNCED_WITHIN_S = 30.0


@dataclass(frozen=True)
class RunningParts:
    """The parts of a running system."""

    store: BlobStore
    topics: Callable[[], Sequence[str]]
    """Names of all topics."""
    is_announced: Callable[[str, Callable[[], object]], bool]
    """Whether an event of a key arrives after an action put it."""
    auth: AuthSettings
    public_key: Callable[[], bytes | None]
    results_url: str = ""
    """Where results answers whether its database does, for those without the database's password."""
    further_topics: Sequence[str] = ()
    """Topics beyond those of every installation."""
    events_queue: str = ""
    """The SQS queue where the bucket announces; empty: it announces to Kafka."""

    def checks(self) -> dict[str, Check]:
        """In the order in which they are to be set up."""
        return {
            "bucket": self.bucket,
            "kafka": self.kafka,
            "database": self.database,
            "issuer": self.issuer,
            "signing key": self.signing_key,
            "events": self.events,
            "first bundle": self.bundle,
        }

    def bucket(self) -> Finding:
        """Write, read and remove an object; a store that refuses to say that it is gone would stop every service."""
        self.store.put(_PROBE, b"{}")
        self.store.get(_PROBE)
        self.store.delete(_PROBE)
        self.store.head(_PROBE)
        return Finding.ok("bucket", "an object was written, read and removed.")

    def kafka(self) -> Finding:
        """Every topic exists."""
        needed = {*topics.ALL, *map(topics.retry_topic, _GROUPS), *self.further_topics}
        missing = sorted(needed - set(self.topics()))
        if missing:
            return Finding.missing("kafka", f"topics are missing: {', '.join(missing)}.")
        return Finding.ok("kafka", "it answers and has every topic.")

    def issuer(self) -> Finding:
        """The issuer's keys can be fetched."""
        if not self.auth.issuer:
            return Finding.unknown("issuer", "MEDULLA_AUTH__ISSUER is not set here.")
        IssuerKeys(self.auth).find("doctor")
        whose = f"{self.auth.issuer} answers with its keys"
        names = ", ".join(sorted({*self.auth.roles.viewer, *self.auth.roles.operator}))
        need = f"the audience {self.auth.audience}, and one of {names} in {self.auth.roles_claim}"
        return Finding.ok("issuer", f"{whose}; its tokens need {need}.")

    def signing_key(self) -> Finding:
        """The public key can be read, and is one."""
        key = self.public_key()
        if key is None:
            return Finding.unknown("signing key", "SCORER_BUNDLE_PUBLIC_KEY is not set here.")
        signature.public_keys(key)
        return Finding.ok("signing key", "the public key of bundles can be read.")

    def events(self) -> Finding:
        """An object below `slides/` that is no slide is announced; a queue is left to the tiler, which reads it.

        Its key is new each time: the event of an earlier probe may come late.
        """
        if self.events_queue:
            whose = f"the bucket announces to {self.events_queue}, which only the tiler reads"
            return Finding.unknown("events", f"{whose}; put a slide to try it.")
        key = f"slides/medulla-doctor/.probe-{secrets.token_hex(8)}"
        try:
            if self.is_announced(key, lambda: self.store.put(key, b"")):
                return Finding.ok("events", "the bucket announces an object below slides/.")
        finally:
            self.store.delete(key)
        return Finding.missing("events", f"no event of an object below slides/ came within {ANNOUNCED_WITHIN_S:.0f} s.")

    def bundle(self) -> Finding:
        """The promoted bundle is intact and, where bundles have to be, signed by the key."""
        key = self.public_key()
        try:
            promoted = Bundles(self.store, lambda: key).promotion()
        except NoBundleError as error:
            return Finding.missing("first bundle", f"{error}; {error.advice}")
        signed = "signed by the key" if key else "no key says who has to sign it"
        return Finding.ok("first bundle", f"{promoted.bundle.manifest.name} is promoted and intact; {signed}.")

    def database(self) -> Finding:
        """The database answers and has the newest schema; by its URL where it is set, else by what results says."""
        if url := os.environ.get(_DATABASE, ""):
            with closing(SqlStore(url)) as store:
                store.check()
            return Finding.ok("database", "it answers and has the newest schema.")
        if self.results_url:
            return database_of_results(self.results_url)
        return Finding.unknown("database", f"neither {_DATABASE} nor DOCTOR_RESULTS_URL is set here.")
