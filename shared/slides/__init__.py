"""Which files make which slide: the same rules for bucket, folder and command line."""
