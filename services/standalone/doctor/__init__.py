"""What `medulla doctor` checks, in the order in which an installation decides it."""
