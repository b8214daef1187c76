"""What `medulla monitor` reads: scores as they were given, and outcomes that came later."""
