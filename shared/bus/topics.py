"""Every topic, in one place."""

S3_EVENTS = "s3.events"
SLIDES_TILED = "slides.tiled"
SLIDES_EMBEDDED = "slides.embedded"
SLIDES_REJECTED = "slides.rejected"
CASES_RESCORE = "cases.rescore"
CASES_RESCORE_BACKGROUND = "cases.rescore.background"
CASES_SCORED = "cases.scored"
CASES_SCORED_BACKGROUND = "cases.scored.background"
CASES_ERASE = "cases.erase"
PROGRESS = "progress"
DEAD_LETTERS = "dead.letters"

SCORED = (CASES_SCORED, CASES_SCORED_BACKGROUND)
"""Every topic of scores."""
ALL = (
    S3_EVENTS,
    SLIDES_TILED,
    SLIDES_EMBEDDED,
    SLIDES_REJECTED,
    CASES_RESCORE,
    CASES_RESCORE_BACKGROUND,
    CASES_SCORED,
    CASES_SCORED_BACKGROUND,
    CASES_ERASE,
    PROGRESS,
    DEAD_LETTERS,
)


def retry_topic(group: str) -> str:
    """Topic in which a consumer group keeps the events it tries again later; it outlives a restart."""
    return f"{group}.retry"


def is_known(topic: str) -> bool:
    """Whether it is a topic of ours; the name of a group has no dot."""
    return topic in ALL or (is_retry(topic) and "." not in group_of(topic))


def group_of(topic: str) -> str:
    """The group whose retry topic it is."""
    return topic.removesuffix(".retry")


def is_background(topic: str) -> bool:
    """Whether the records of a topic give way to those of others in the same consumer."""
    return topic.endswith(".background")


def is_retry(topic: str) -> bool:
    """Whether a topic is some group's retry topic."""
    return topic.endswith(".retry")
