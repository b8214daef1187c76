"""What every service needs and no service owns: errors, settings, logs, metrics, the bus, the object store."""
