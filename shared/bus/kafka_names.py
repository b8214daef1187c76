"""Names of topics and groups on a Kafka that several installations share, such as `north.slides.tiled`."""

from shared.bus import topics
from shared.settings import KafkaSettings


def on_broker(settings: KafkaSettings, name: str) -> str:
    """What Kafka calls a topic or group of this installation."""
    return f"{settings.prefix}.{name}" if settings.prefix else name


def from_broker(settings: KafkaSettings, name: str) -> str:
    """The topic by the name that all else here uses; events, dead letters and their ids do not depend on the prefix."""
    return name.removeprefix(f"{settings.prefix}.") if settings.prefix else name


def of_installation(settings: KafkaSettings, name: str) -> bool:
    """Whether a topic that Kafka lists is one of this installation, not of another with a prefix of its own."""
    plain = from_broker(settings, name)
    return on_broker(settings, plain) == name and topics.is_known(plain)
