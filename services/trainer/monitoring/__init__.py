"""Whether scores come true: outcomes that arrive later against the risks as they were given."""
