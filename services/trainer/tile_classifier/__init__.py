"""A classifier of tiles on frozen embeddings: learned from a pathologist's labels, applied to the bags of a cohort."""
