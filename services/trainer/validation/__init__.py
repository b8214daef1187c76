"""External validation: a bundle as it is, on patients that it has not seen."""
