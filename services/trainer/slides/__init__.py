"""From the tiles of slides to one log-risk a patient: projection, attention network, export."""
