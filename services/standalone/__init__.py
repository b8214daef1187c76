"""The `medulla` command: the services' handlers composed in one process."""
