"""The event bus: one port (`port`) with adapters for Kafka and memory."""
