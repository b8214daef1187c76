"""Every metric of Medulla in one place: what it means, and what to do when it is high.

Labels never hold the id of a case or slide. A site is a pseudonym; a process labels a bounded number of them.
"""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0)
_AGES = (0.1, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)
_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

# --- events

EVENTS = Counter(
    "medulla_events_total",
    "Events handled. Outcome: ok, retried, unfinished (long work), deferred (another process is at work on it, "
    "or this one is stopping), rejected (see medulla_dead_letters_total).",
    ["service", "topic", "outcome"],
)
EVENT_SECONDS = Histogram(
    "medulla_event_seconds",
    "Time one event takes in its handler. High: see the slowest span of its trace; add replicas only if lag grows too.",
    ["service", "topic"],
    buckets=_SECONDS,
)
EVENT_AGE_SECONDS = Histogram(
    "medulla_event_age_seconds",
    "Time from writing an event to the start of its handling. High: add replicas or partitions.",
    ["service", "topic"],
    buckets=_AGES,
)
CONSUMER_LAG = Gauge(
    "medulla_consumer_lag_records",
    "Records not yet committed. Grows on all partitions: add replicas; on one only: one slow case, look at its log.",
    ["service", "topic", "partition"],
)
TOPIC_PARTITIONS = Gauge(
    "medulla_topic_partitions",
    "Partitions of each topic that a service reads. More than medulla_consumer_lag_records has: some are unread.",
    ["service", "topic"],
)
RETRIES = Counter(
    "medulla_retries_total",
    "Events to be retried later. High: a dependency is down; the log names it.",
    ["service", "topic"],
)
DEAD_LETTERS = Counter(
    "medulla_dead_letters_total",
    "Events given up for good. Each needs a person: `medulla dead-letters list` says what to do; then replay or drop.",
    ["service", "reason"],
)
OLDEST_DEAD_LETTER = Gauge(
    "medulla_oldest_dead_letter_seconds",
    "Age of the oldest record on the topic of dead letters; 0 without any. Near a retention of the topic: replay or "
    "drop the letters, or keep them longer, before Kafka deletes them.",
)
INTERNAL_ERRORS = Counter(
    "medulla_internal_errors_total",
    "Unexpected errors, by the part at work and type. Each is a bug: its log line has the place.",
    ["where", "error"],
)
WORKER_DEATHS = Counter(
    "medulla_worker_deaths_total",
    "Processes that died at work on a record, found when it came again. After three it is given up as crashed_worker.",
    ["service"],
)
SWEEP_FINDINGS = Counter(
    "medulla_sweep_findings_total",
    "Objects that the sweep found while no event waited. More than a few: the bucket's notifications are broken.",
    ["prefix"],
)

IGNORED_OBJECTS = Counter(
    "medulla_ignored_objects_total",
    "Objects of the bucket outside of MEDULLA_S3__PREFIX, by the prefix that they have. `none`: somebody uploads to "
    "slides/ instead of PREFIX/slides/; `another`: another installation's, or the prefix is misspelt.",
    ["prefix"],
)

# --- tiles

TILES = Counter(
    "medulla_tiles_total",
    "Tiles by status: ok, background, pen, blurred, corrupt. Many corrupt: a broken scanner, upload or disk.",
    ["status"],
)
TILE_DECODE_SECONDS = Histogram(
    "medulla_tile_decode_seconds",
    "Time one thread takes to read and scale about twenty tiles. High: a slow disk, or more streams than cores.",
    buckets=_SECONDS,
)
STREAMS_IN_FLIGHT = Gauge(
    "medulla_tile_streams_in_flight",
    "Tile streams being served. At its bound for long: embedders wait, add tilers.",
)
SCRATCH_USED_BYTES = Gauge(
    "medulla_scratch_used_bytes",
    "Scratch disk held by slides in work or used minutes ago; idle ones give way. "
    "At the limit for long: slides wait for room, raise the limit or lower concurrency.",
)
SCRATCH_LIMIT_BYTES = Gauge(
    "medulla_scratch_limit_bytes",
    "Scratch disk that may be used. A slide larger than this is refused as slide_too_large.",
)
SLIDES_IN_FLIGHT = Gauge(
    "medulla_slides_in_flight",
    "Slides being worked on. High with low throughput: the service is starved of CPU, disk or encoder.",
    ["service"],
)

# --- embeddings

BAGS_MISSING = Gauge(
    "medulla_bags_missing",
    "Planned slides without a bag of a group's encoder, at its last sweep. Falls after a new encoder.",
    ["group"],
)
PLANS_PASSED_OVER = Counter(
    "medulla_plans_passed_over_total",
    "Plans of grids that a group's encoder does not take and another one embeds. Grows with several grids.",
    ["group"],
)
EMBED_BATCH_TILES = Histogram(
    "medulla_embed_batch_tiles",
    "Tiles a call of the encoder; device: cpu, gpu or triton. Low on a GPU: it idles, process more slides in parallel.",
    ["device"],
    buckets=_BATCHES,
)
EMBED_SECONDS = Histogram(
    "medulla_embed_batch_seconds",
    "Time of one call of the encoder. High: the device is shared or throttled; compare with Triton's queue time.",
    ["device"],
    buckets=_SECONDS,
)

# --- scores

SCORES = Counter(
    "medulla_scores_total",
    "Scores by model used and whether the scorer abstained. Many abstentions: slides unlike the training cohort.",
    ["model", "abstained", "simulated", "site"],
)
SCORES_OUT_OF_DISTRIBUTION = Counter(
    "medulla_scores_out_of_distribution_total",
    "Scores with inputs outside the training distribution. A growing share: drift; look at scanner, stain and site.",
    ["simulated", "site"],
)
SCORE_MODALITIES_MISSING = Counter(
    "medulla_score_modalities_missing_total",
    "Modalities missing from scores. Growing: records come late or not at all; ask the registry.",
    ["modality", "site"],
)
SCORE_PERCENTILES = Histogram(
    "medulla_score_percentile",
    "Percentile of scores in the training cohort: uniform for similar patients. Skewed to one side: drift.",
    buckets=(10, 20, 30, 40, 50, 60, 70, 80, 90, 100),
)
SLIDE_FLAGS = Counter(
    "medulla_slide_flags_total",
    "Quality remarks on slides that were scored. Growing at a site: look at its scanner and slide preparation.",
    ["flag", "site"],
)
LANDING_TO_RESULT_SECONDS = Histogram(
    "medulla_landing_to_result_seconds",
    "Time between the landing of a case's newest input and its score in results. High: see lag of each service.",
    buckets=(5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14400.0, 86400.0),
)
WAITING_SLIDES = Gauge(
    "medulla_waiting_slides",
    "Slides that landed and are neither scored nor refused. Growing for long: see the lag of each service.",
)
WAITING_SLIDES_BY_STAGE = Gauge(
    "medulla_waiting_slides_by_stage",
    "Slides that wait, by the last stage a service reported. Many in one: `medulla waiting` names them and says why.",
    ["stage"],
)
OLDEST_WAITING_SLIDE_SECONDS = Gauge(
    "medulla_oldest_waiting_slide_seconds",
    "Age of the oldest slide that is neither scored nor refused; 0 without any. High: a service is down or stuck.",
)
PROMOTED_BUNDLE_REFUSED = Gauge(
    "medulla_promoted_bundle_refused",
    "1 while the promoted bundle cannot be used. The last good one makes the scores: promote one that is good.",
)
SCORES_UNCHANGED = Counter(
    "medulla_scores_unchanged_total",
    "Cases that were not scored again as inputs and bundle are those of their score. Grows with repeated events.",
)
RESCORED = Counter(
    "medulla_rescored_total",
    "Cases handled in the background. `stopped`: an operator stopped it; `waits_for_encoder`: slides are not embedded.",
    ["outcome"],
)
WITHDRAWALS = Counter(
    "medulla_withdrawals_total",
    "Cases left without a score as their inputs were deleted or replaced. Many at once: somebody empties the bucket.",
)

ARCHIVED_ENTRIES = Gauge(
    "medulla_archived_entries",
    "Audit entries in the archive, as the database notes them. Not growing while the archive runs: see the job's log.",
)
ARCHIVE_BYTES = Gauge(
    "medulla_archive_bytes",
    "Bytes of the archive's files, as the database notes them. Far above what the bucket has: verify the audit record.",
)

# --- outcomes (`medulla monitor`)

MONITOR_FLAGGED = Gauge(
    "medulla_monitor_flagged",
    "1 where a chart of outcomes against a bundle's scores reached its threshold. Its risks may be wrong.",
    ["bundle"],
)
MONITOR_CASES = Gauge(
    "medulla_monitor_cases",
    "Cases of a bundle with an outcome after their score. With few of them the figures beside it say little.",
    ["bundle"],
)
MONITOR_O_E = Gauge(
    "medulla_monitor_observed_over_expected",
    "Observed over expected events: estimate, lower, upper. An interval without 1: risks may be wrong.",
    ["bundle", "end"],
)
MONITOR_CHART = Gauge(
    "medulla_monitor_chart",
    "Highest value of the chart of more, or fewer, events than predicted over its threshold. Flagged at 1.",
    ["bundle", "direction"],
)
MONITOR_C = Gauge("medulla_monitor_harrell_c", "Harrell's C on outcomes after the score. 0.5 is chance.", ["bundle"])
MONITOR_PSI = Gauge(
    "medulla_monitor_psi",
    "Stability index of a quarter's risks against the training cohort. Above 0.25: other patients or inputs.",
    ["bundle"],
)
MONITOR_TIME = Gauge(
    "medulla_monitor_timestamp_seconds",
    "When a bundle was monitored last. Long ago: run medulla monitor with the outcomes since.",
    ["bundle"],
)

# --- requests

FHIR_DOCUMENTS = Counter(
    "medulla_fhir_documents_total",
    "Documents of cases at the FHIR server: stored, unchanged, removed. None while scores come: see the log's retries.",
    ["outcome"],
)
RPCS = Counter(
    "medulla_rpcs_total",
    "gRPC calls by method and status code. UNAVAILABLE: a dependency is down; INTERNAL: a bug, the log has it.",
    ["method", "code"],
)
RPC_SECONDS = Histogram(
    "medulla_rpc_seconds",
    "Time of one gRPC call, streams to their end. High: see its trace.",
    ["method"],
    buckets=_SECONDS,
)
HTTP_REQUESTS = Counter(
    "medulla_http_requests_total",
    "HTTP requests by route template and status. 401 and 403: tokens or roles; 5xx: a bug, the log has it.",
    ["method", "route", "status"],
)
HTTP_SECONDS = Histogram(
    "medulla_http_seconds",
    "Time of one HTTP request. High: the database is slow or the page asks for too much at once.",
    ["method", "route"],
    buckets=_SECONDS,
)
CERTIFICATE_EXPIRY = Gauge(
    "medulla_certificate_expiry_timestamp_seconds",
    "When the certificate ends that a gRPC server answers with, as Unix time. Near: renew it and restart the pods.",
    ["address"],
)
