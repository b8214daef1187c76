"""What every score, page and bundle says of itself."""

NOTICE = "Research use only. Not for diagnosis or treatment decisions."
