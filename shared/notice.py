"""The notice on every score, page and bundle."""

NOTICE = "Research use only. Not for diagnosis or treatment decisions."
