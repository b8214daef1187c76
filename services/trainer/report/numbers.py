"""Numbers of a page, as people read them."""

from services.trainer.metrics.bootstrap import Figure

NOTHING = "\N{EN DASH}"


def shown_figure(figure: Figure | None, digits: int = 3) -> str:
    """An estimate with its interval."""
    if figure is None or figure.est is None:
        return NOTHING
    est, lo, hi = (shown_number(value, digits) for value in (figure.est, figure.lo, figure.hi))
    return est if figure.lo is None else f"{est} ({lo} to {hi})"


def shown_number(value: float | None, digits: int = 3) -> str:
    """A number with a true minus sign; a dash where there is none."""
    return NOTHING if value is None else f"{value:z.{digits}f}".replace("-", "\N{MINUS SIGN}")


def shown_briefly(value: float) -> str:
    """A number to four digits, with a true minus sign."""
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")


def shown_p(value: float | None) -> str:
    """A p-value."""
    return NOTHING if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"
