"""What a reader needs to know to read a report's page, term by term; the guide's page says more."""

from services.trainer.report_model.report import Report

GUIDE_PAGE = "Read a score and a report"
"""Title of the guide's page; `medulla up` serves it at GUIDE_PATH."""
GUIDE_PATH = "/guide/read-a-report"


def reading(report: Report) -> list[tuple[str, str]]:
    """Term and explanation, in the order in which the page uses them."""
    return [
        ("Interval", "With other patients of the same kind the figure would lie in it 19 times of 20. Read it first."),
        _order(report),
        ("O/E, slope", "Events that happened over events predicted, and whether risks are too extreme (below 1)."),
        ("Sensitivity, specificity", "Of those with the event, the share called high; of those without, called low."),
        ("Net benefit", "Events acted on, less false alarms at the odds of the risk from which one would act."),
        ("p, Holm", "Small: chance alone seldom gives such a difference. Holm's considers how many are compared."),
        ("No gain shown", "The interval holds 0: gain, loss or none. It does not say that both are equal."),
    ]


def _order(report: Report) -> tuple[str, str]:
    if report.profile.has_times:
        return "C", "Of two patients, how often the one with the earlier event had the higher risk. 0.5 is a coin."
    return "AUC", "Of a patient with and one without the event, how often the first had the higher risk. 0.5 is a coin."
