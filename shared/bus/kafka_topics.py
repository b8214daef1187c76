"""Creates missing topics and adjusts existing ones to the operator's settings; never deletes any."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from pydantic import Field

from shared.bus.kafka_client import connection, explained
from shared.bus.kafka_names import on_broker
from shared.settings import KafkaSettings, Section

_DEADLINE_MS = 15_000


class TopicSpec(Section):
    """Settings of a topic."""

    partitions: int = Field(default=3, ge=1)
    replication_factor: int = Field(default=1, ge=1)
    configs: Mapping[str, str] = Field(default_factory=dict)
    """Kafka's own names, such as retention.ms."""


def adjust_topics(settings: KafkaSettings, specs: Mapping[str, TopicSpec]) -> list[str]:
    """Apply the settings; returns a sentence for each change and for each difference that only a person can resolve.

    Adding partitions moves cases to other partitions: events pending at that moment may be handled out of order.

    Raises:
        KafkaDownError: Kafka does not answer in time.
        KafkaRefusedError: no right to do this, or a setting that Kafka rejects.
    """
    with explained(settings), closing(KafkaAdminClient(**connection(settings))) as admin:
        existing, specs = set(admin.list_topics()), {on_broker(settings, name): spec for name, spec in specs.items()}
        missing = sorted(set(specs) - existing)
        if missing:
            options = {name: _options(specs[name]) for name in missing}
            admin.create_topics(options, timeout_ms=_DEADLINE_MS, wait_for_metadata=True)
        existing_specs = {name: spec for name, spec in specs.items() if name in existing}
        changes = [*_widen(admin, existing_specs), *_configure(admin, existing_specs)] if existing_specs else []
        return [*(f"{name} made" for name in missing), *changes]


def _options(spec: TopicSpec) -> dict[str, Any]:
    return {
        "num_partitions": spec.partitions,
        "replication_factor": spec.replication_factor,
        "configs": dict(spec.configs),
    }


def _widen(admin: Any, specs: Mapping[str, TopicSpec]) -> Iterator[str]:
    for described in admin.describe_topics(sorted(specs)):
        name, partitions = described["name"], described["partitions"]
        spec = specs[name]
        if len(partitions) < spec.partitions:
            admin.create_partitions({name: spec.partitions}, timeout_ms=_DEADLINE_MS)
            yield f"{name} has {spec.partitions} partitions now, {len(partitions)} before"
        elif len(partitions) > spec.partitions:
            yield f"{name} has {len(partitions)} partitions, more than {spec.partitions}; Kafka cannot take any away"
        if (copies := _copies(partitions)) != spec.replication_factor:
            yield f"{name} has {copies} copies, not {spec.replication_factor}; reassign its partitions to change that"


def _copies(partitions: Sequence[Mapping[str, Any]]) -> int:
    return min(len(partition["replica_nodes"]) for partition in partitions)


def _configure(admin: Any, specs: Mapping[str, TopicSpec]) -> Iterator[str]:
    configured = {name: spec for name, spec in specs.items() if spec.configs}
    if not configured:
        return
    current = _configs(admin, configured)
    for name, spec in sorted(configured.items()):
        changed = {key: value for key, value in spec.configs.items() if current[name].get(key) != value}
        if changed:
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, changed)])
            yield f"{name} has {', '.join(f'{key}={value}' for key, value in changed.items())} now"


def _configs(admin: Any, specs: Mapping[str, TopicSpec]) -> dict[str, dict[str, str]]:
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, name, dict.fromkeys(spec.configs)) for name, spec in specs.items()
    ]
    descriptions = admin.describe_configs(resources, config_filter="all")
    by_name = next(iter(descriptions.values()))
    return {name: {key: _value(entry) for key, entry in by_name[name].items()} for name in specs}


def _value(entry: Any) -> str:
    return str(entry["value"] if isinstance(entry, Mapping) else entry)
