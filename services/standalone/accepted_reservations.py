"""What speaks against a bundle has to be accepted before it is promoted."""

from services.standalone.errors import ReservationsError
from shared.model.manifest import Manifest


def check_reservations(manifest: Manifest, *, accepted: bool) -> None:
    """Refuse a bundle with reservations that were not accepted.

    Raises:
        ReservationsError: something speaks against its models.
    """
    if manifest.every_reservation and not accepted:
        raise ReservationsError("this bundle is not promoted:\n  " + "\n  ".join(manifest.every_reservation))
