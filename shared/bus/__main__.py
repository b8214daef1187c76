"""`python -m shared.bus TOPICS`: creates Kafka's topics as the JSON describes them, before any service runs."""

import sys
from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter, ValidationError

from shared import exit_codes, logs
from shared.bus.kafka_topics import TopicSpec, adjust_topics
from shared.errors import MedullaError
from shared.settings import PlatformSettings, load

_WRONG_USAGE = 2
_TOPICS = TypeAdapter(Mapping[str, TopicSpec])
_log = logs.get(__name__)


def main(arguments: Sequence[str]) -> int:
    """Create and adjust topics; the exit code: 0 done, 1 refused, 2 wrong usage, 3 Kafka is down."""
    logs.configure("topics")
    try:
        (text,) = arguments
        specs = _TOPICS.validate_json(text)
    except (ValueError, ValidationError) as error:
        sys.stderr.write(f'usage: python -m shared.bus \'{{"slides.tiled": {{"partitions": 12}}}}\': {error}\n')
        return _WRONG_USAGE
    try:
        for sentence in adjust_topics(load(PlatformSettings).kafka, specs):
            _log.info("topics", sentence=sentence)
    except MedullaError as error:
        _log.error("cannot create topics", sentence=str(error))
        return exit_codes.exit_code(error)
    _log.info("topics are ready", topics=len(specs))
    return exit_codes.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
