"""Ways to predict, one small class of one shape a file; `registry` lists them in the order of the report."""
