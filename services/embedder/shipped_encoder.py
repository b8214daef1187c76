"""Where the encoder lies that ships with Medulla."""

from pathlib import Path

DEFAULT_ENCODER = Path(__file__).parent / "encoders" / "efficientnet_lite0"
