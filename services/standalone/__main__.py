"""`medulla`: starts the command line."""

from services.standalone.interrupt import stoppable


def main() -> None:
    """Run the command line."""
    with stoppable():
        from services.standalone.app import app  # noqa: PLC0415 - Ctrl-C must work while it loads
    app()


if __name__ == "__main__":
    main()
