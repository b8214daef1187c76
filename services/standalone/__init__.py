"""The `medulla` command: the services' own handlers composed in one process."""
