"""The tiler as a service whose slides misbehave as their file names say (`child_readers.open_hostile`): `python -m`."""

import sys
from functools import partial
from unittest.mock import patch

from services.tiler import __main__ as tiler
from services.tiler.isolation import isolated_readers

_OPENER = "tests.support.child_readers:open_hostile"

if __name__ == "__main__":
    with patch.object(tiler, "isolated_readers", partial(isolated_readers, opener=_OPENER)):
        sys.exit(tiler.main())
