"""What a figure depends on: the processor, how busy it was, and versions."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import cv2
import openslide

_PACKAGES = (
    "numpy",
    "opencv-python-headless",
    "simplejpeg",
    "onnxruntime",
    "tritonclient",
    "kafka-python",
    "tiffslide",
)


def describe() -> str:
    """One line on this machine, one on the versions."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    library = f"openslide {openslide.__library_version__} (openslide-python {openslide.__version__})"
    return (
        f"{hardware()}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.release()}; load {load} (1, 5, 15 minutes)\n"
        f"{library}, {versions}; OpenCV's own threads: {cv2.getNumThreads()}"
    )


def hardware() -> str:
    """Processor, cores and memory of this machine."""
    return f"{_processor()}, {len(os.sched_getaffinity(0))} cores, {_memory_gb():.0f} GB"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
