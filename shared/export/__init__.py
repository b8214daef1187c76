"""A stored score as files for people and other systems: GeoJSON, FHIR, PDF, DICOM."""
