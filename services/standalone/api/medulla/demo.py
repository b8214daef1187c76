"""Files of the demo: a real slide (CC0, of skin), a SIMULATED record, a SIMULATED bundle and its encoder."""

from services.embedder.shipped_encoder import DEFAULT_ENCODER as ENCODER
from services.standalone.demo_case import DEMO_BUNDLE as BUNDLE
from services.standalone.demo_case import DEMO_RECORD as RECORD
from services.standalone.demo_case import DEMO_SLIDE as SLIDE

__all__ = ["BUNDLE", "ENCODER", "RECORD", "SLIDE"]
