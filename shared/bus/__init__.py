"""The event bus: one port (`port`), Kafka and memory behind it."""
