"""The tables of the newest schema."""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)


class UtcTime(TypeDecorator[datetime]):
    """An aware time; SQLite, which has no zones, stores it in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC, without the zone on SQLite."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


METADATA = MetaData()

CASES = Table(
    "cases",
    METADATA,
    Column("case_id", String(64), primary_key=True),
    Column("updated_at", UtcTime, nullable=False, comment="Newest time among all that is known of the case"),
    Column("revision", BigInteger, nullable=False, comment="Grows with every score and refusal"),
    Column("current_score_id", String(64), comment="The greatest revision, then the highest score_id"),
    Column("withdrawn", Text, comment="Why scores of no greater revision than withdrawn_revision are not current"),
    Column("withdrawn_revision", Text),
    Column("withdrawn_at", UtcTime),
    Column("withdrawn_event_id", String(64)),
    Column("nothing_left", Boolean, comment="Nothing of the case is left in the bucket"),
    Column(
        "concluded_at", UtcTime, comment="Progress up to then is of what the last score or withdrawal was made from"
    ),
    Column("summary_revision", BigInteger, comment="Revision from which the columns below and the labels were derived"),
    Column(
        "listed_revision", BigInteger, comment="Revision from which the columns of the list and the labels were derived"
    ),
    Column("labels", Text, comment="Flags and reasons, each after its field and a colon, separated by U+001F"),
    Column("state", String(16), comment="in_progress, scored, abstained, rejected or withdrawn"),
    Column("risk_group", Text),
    Column("certainty", Text),
    Column("site_id", String(64)),
    Column("horizon_years", Double, comment="Of the risk, the first horizon; empty without one, as the next columns"),
    Column("risk", Double),
    Column("risk_lo", Double),
    Column("risk_hi", Double),
    Column("risk_level", Double),
    Column(
        "answered_listing",
        String(64),
        comment="Digest of the listing of its slides in which each was scored or refused",
    ),
    ForeignKeyConstraint(["case_id", "current_score_id"], ["scores.case_id", "scores.score_id"], name="cases_current"),
    Index("cases_by_update", "updated_at", "case_id"),
    Index("cases_by_risk", "risk", "case_id"),
    *(Index(f"cases_by_{name}", name, "updated_at") for name in ("state", "risk_group", "certainty", "site_id")),
)

CASE_LABELS = Table(
    "case_labels",
    METADATA,
    Column("case_id", String(64), primary_key=True),
    Column("field", String(16), primary_key=True, comment="flag, reason or slide"),
    Column("label", String(200), primary_key=True),
    Column("position", Integer, nullable=False, comment="Order in which the labels of a case are shown"),
    Index("case_labels_by_label", "field", "label", "case_id"),
)

CASE_COUNTS = Table(
    "case_counts",
    METADATA,
    Column("state", String(16)),
    Column("risk_group", Text),
    Column("certainty", Text),
    Column("site_id", String(64)),
    Column("labels", Text),
    Column("cases", BigInteger, nullable=False, comment="To be added; negative for cases that left"),
    Column("summed", Boolean, nullable=False, comment="Whether it is the sum of earlier rows"),
)

SCORES = Table(
    "scores",
    METADATA,
    Column("case_id", String(64), primary_key=True),
    Column("score_id", String(64), primary_key=True),
    Column("as_of", UtcTime, nullable=False),
    Column("revision", Text, nullable=False, comment="Of two scores of a case the greater is current"),
    Column("digest", String(64), nullable=False),
    Column("body", Text, nullable=False, comment="JSON mapping of medulla.v1.Score; the digest covers its bytes"),
    Column("inputs", Text, comment="JSON: key and etag of each object it was made from; empty in older rows"),
    Column("site_id", String(64), comment="Site in the clinical record that it was made from; empty without one"),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("case_id", String(64), nullable=False),
    Column("score_id", String(64), nullable=False),
    Column("score_digest", String(64), nullable=False),
    Column("as_of", UtcTime, nullable=False),
    Column("event_id", String(64), nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("why", Text, comment="Why a case was withdrawn, or what a score is no longer made from"),
    UniqueConstraint("case_id", "score_id", "event_id", name="audit_once"),
)

AUDIT_CHECKPOINTS = Table(
    "audit_checkpoints",
    METADATA,
    Column(
        "entries",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
        comment="Of the audit record, from its first one, that were verified",
    ),
    Column("head", String(64), nullable=False, comment="Hash of the last of them"),
    Column("verified_at", UtcTime, nullable=False),
    Column("signature", String(64), nullable=False, comment="HMAC-SHA256 by RESULTS_AUDIT_KEY"),
)

ARCHIVES = Table(
    "archives",
    METADATA,
    Column("name", String(128), primary_key=True, comment="Of the object; ends in the SHA-256 of its bytes"),
    Column("first_seq", BigInteger, nullable=False, comment="Of the audit entries in it, not all of which need be"),
    Column("last_seq", BigInteger, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("size", BigInteger, nullable=False, comment="Bytes of the object"),
    Column("state", String(16), nullable=False, comment="writing, kept or replaced"),
    Column("at", UtcTime, nullable=False),
    Index("archives_by_last", "last_seq"),
)

ARCHIVED_CASES = Table(
    "archived_cases",
    METADATA,
    Column("case_id", String(64), primary_key=True, comment="Of an erased case its digest"),
    Column("archive", String(128), primary_key=True),
    Column("unfinished", Boolean, nullable=False, server_default=false(), comment="An erasure could not read the file"),
)

REJECTIONS = Table(
    "rejections",
    METADATA,
    Column("event_id", String(64), primary_key=True),
    Column("case_id", String(64), nullable=False, comment="Empty where the key named no case"),
    Column("slide_id", String(64), nullable=False, comment="Empty for a clinical record"),
    Column("object_key", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("advice", Text, nullable=False),
    Column("thumbnail_key", Text, nullable=False),
    Column("as_of", UtcTime, nullable=False),
    Column("object_etag", Text, comment="Version of the object, or revision of the case; empty in older rows"),
    Index("rejections_by_case", "case_id"),
)

PROGRESS = Table(
    "progress",
    METADATA,
    Column("case_id", String(64), primary_key=True),
    Column("slide_id", String(64), primary_key=True),
    Column("event_id", String(64), nullable=False),
    Column("stage", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("trace_id", String(32), comment="Of the work that reported it; empty without tracing, and in older rows"),
    Index("progress_by_time", "at"),
)

NOTES = Table(
    "notes",
    METADATA,
    Column("note_id", String(64), primary_key=True),
    Column("case_id", String(64), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("body", Text, nullable=False, comment="JSON mapping of medulla.v1.Note; the audit entry's digest covers it"),
    Index("notes_by_case", "case_id", "at"),
)

VIEWS = Table(
    "views",
    METADATA,
    Column("subject", String(255), primary_key=True),
    Column("case_id", String(64), primary_key=True, comment="Empty for lists; its SHA-256 once the case was erased"),
    Column("what", String(16), primary_key=True, comment="case, list, cases.csv or notes.csv"),
    Column("hour", UtcTime, primary_key=True, comment="One row an hour"),
    Column("at", UtcTime, nullable=False),
    Column("name", Text, nullable=False),
    Index("views_by_time", "at"),
    Index("views_by_case", "case_id", "at"),
)
