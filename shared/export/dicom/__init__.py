"""A score as DICOM objects: a structured report, and attention as parametric maps."""
