"""From the tiles of slides to one log-risk a patient: projection, hazards of tiles, gated network."""
