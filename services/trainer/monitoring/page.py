"""monitor.html: one page without anything from elsewhere, in the style of a report's page."""

from pathlib import Path

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from services.trainer.monitoring.figures import chart_figure, quarter_figure
from services.trainer.monitoring.monitor_report import MonitorReport
from services.trainer.report import page as report_page
from services.trainer.report.numbers import shown_figure, shown_number
from shared.files import put

PAGE = "monitor.html"


def write_page(report: MonitorReport, out: Path) -> None:
    """Write monitor.html into a folder, whole or not at all."""
    put(out / PAGE, render(report).encode())


def render(report: MonitorReport) -> str:
    """The page."""
    styles = PackageLoader(str(report_page.__package__))
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(str(__package__)), styles]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": shown_figure, "number": shown_number}
    css = Markup(styles.get_source(environment, "report.css")[0])  # noqa: S704
    pictures = [(Markup(chart_figure(each)), Markup(quarter_figure(each))) for each in report.bundles]  # noqa: S704
    page = environment.get_template("monitor.html.j2")
    return page.render(r=report, css=css, monitored=zip(report.bundles, pictures, strict=True))
