"""Files of the demo: a real slide (CC0, of skin), and a record and a bundle that are SIMULATED."""

from services.standalone.demo_case import DEMO_BUNDLE as BUNDLE
from services.standalone.demo_case import DEMO_RECORD as RECORD
from services.standalone.demo_case import DEMO_SLIDE as SLIDE

__all__ = ["BUNDLE", "RECORD", "SLIDE"]
