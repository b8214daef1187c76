"""The embedder as a service that hangs once it has stored a slide's first part: `python -m` this, and kill it."""

import sys
from threading import Event
from unittest.mock import patch

from services.embedder import __main__ as embedder
from services.embedder.bag import Part
from services.embedder.bag_store import BagFolder

_put_part = BagFolder.put_part


def _put_and_hang(folder: BagFolder, number: int, part: Part) -> None:
    _put_part(folder, number, part)
    Event().wait()


if __name__ == "__main__":
    with patch.object(BagFolder, "put_part", _put_and_hang):
        sys.exit(embedder.main())
