"""Exports whole recipes with random weights and prints what it took: `python -m tests.bench.encoder_exports`.

One process an encoder, as the largest take 15 GB.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from services.embedder.conversion import Precision
from services.embedder.onnx_encoder import OnnxEncoder
from services.standalone.encoders.job import ExportJob
from services.standalone.encoders.recipe import load_recipe, recipe_names
from services.standalone.encoders.torch_export import export_encoder

_HEAD = "| encoder | weights | features | file, MB | export, s | memory, GB | share of norm | cosine | tile, s |"
_TILES = 4


def main() -> int:
    """Print a table of Markdown, or one row of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.encoder_exports", description=__doc__)
    parser.add_argument("names", nargs="*", help="recipes; all of them without")
    parser.add_argument("--float32", action="store_true", help="keep weights in float32, not float16")
    parser.add_argument("--row", action="store_true", help="measure the one named recipe in this process")
    options = parser.parse_args()
    if options.row:
        sys.stdout.write(_row(options.names[0], float32=options.float32) + "\n")
        return 0
    sys.stdout.write(f"{_HEAD}\n|{'---|' * 9}\n")
    sys.stdout.flush()
    command = [
        sys.executable,
        "-m",
        "tests.bench.encoder_exports",
        "--row",
        *(["--float32"] if options.float32 else []),
    ]
    codes = [subprocess.run([*command, name], check=False).returncode for name in options.names or recipe_names()]
    return max(codes)


def _row(name: str, *, float32: bool) -> str:
    recipe = load_recipe(name)
    with tempfile.TemporaryDirectory() as folder:
        out, start = Path(folder) / "encoder", time.monotonic()
        precision: Precision = "float32" if float32 else "float16"
        manifest = export_encoder(ExportJob(recipe, out, "measurement", random_seed=1, precision=precision))
        seconds = time.monotonic() - start
        size = sum(file.stat().st_size for file in out.glob("encoder.onnx*")) / 1e6
        tile_s = _tile_seconds(out, recipe.pixels.tile_px)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    parity = manifest.conversion.parity if manifest.conversion else None
    difference = f"{parity.share_of_norm:.1e} | {parity.cosine:.7f}" if parity else ""
    figures = f"{manifest.dim} | {size:.0f} | {seconds:.0f} | {memory:.1f} | {difference} | {tile_s:.2f}"
    return f"| {name} | {precision} | {figures} |"


def _tile_seconds(folder: Path, px: int) -> float:
    """Seconds a tile on one core of the CPU."""
    encoder = OnnxEncoder(folder, threads=1, run=1)
    tiles = np.random.default_rng(1).integers(0, 256, (_TILES, px, px, 3), np.uint8)
    encoder.embed(tiles[:1])
    start = time.monotonic()
    encoder.embed(tiles)
    return (time.monotonic() - start) / _TILES


if __name__ == "__main__":
    sys.exit(main())
