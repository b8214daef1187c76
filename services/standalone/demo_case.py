"""Where the demo's slide, record and bundle are."""

from pathlib import Path

DEMO = Path(__file__).parent / "demo"
DEMO_SLIDE = DEMO / "cmu-1-small-region.svs"
DEMO_RECORD = DEMO / "clinical" / "DEMO-001.json"
DEMO_BUNDLE = DEMO / "bundle"
