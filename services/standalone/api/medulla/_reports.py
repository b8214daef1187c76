"""The report of an evaluation or a validation."""

from services.trainer.report_model.report import Report

__all__ = ["Report"]
