"""What can be wrong for good with a bundle or a clinical record."""

from shared.errors import PermanentError


class BadClinicalRecordError(PermanentError):
    """A clinical record breaks the bundle's profile; the text names every variable at fault and what is allowed."""

    reason = "bad_clinical_record"
    advice = "Correct what is named and store the record again; `medulla bundle show` lists variables and values."
