"""`python -m medulla`: the command line."""

from services.standalone.__main__ import main

if __name__ == "__main__":
    main()
