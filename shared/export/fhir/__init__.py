"""A score as a FHIR R4 document."""
