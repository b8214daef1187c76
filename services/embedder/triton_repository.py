"""Writes Triton's model repository from an encoder's folder: `python -m services.embedder.triton_repository --help`."""

import argparse
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from google.protobuf.text_format import MessageToString
from tritonclient.grpc import model_config_pb2 as triton

from services.embedder.manifest import MODEL_FILE, EncoderManifest, read_manifest, read_model
from shared.errors import MedullaError, PermanentError

Backend = Literal["onnxruntime", "python"]

PYTHON_MODEL = Path(__file__).parent / "triton_model.py"


@dataclass(frozen=True, slots=True)
class Serving:
    """How Triton is to run an encoder."""

    backend: Backend = "onnxruntime"
    gpu: bool = False
    max_batch: int = 64
    """Most tiles in one run; requests that wait together share it."""
    queue_delay_us: int = 5000
    """How long a request may wait for others, in microseconds."""
    threads: int = 0
    """Threads on a CPU; 0: one per core with the Python back end, the runtime's default with the other."""


def model_name(manifest: EncoderManifest) -> str:
    """The encoder's name in Triton; it contains the digest, so that another file cannot be used by mistake."""
    return f"{manifest.name}-{manifest.digest[:12]}"


def write_repository(encoder: Path, out: Path, serving: Serving) -> Path:
    """Write `out/{model name}`: config.pbtxt, 1/model.onnx and, for the Python back end, 1/model.py.

    Raises:
        UnknownEncoderError: there is no valid encoder in the folder.
        EncoderAlteredError: its file is not the one its manifest describes.
    """
    manifest = read_manifest(encoder)
    read_model(encoder, manifest)
    folder = out / model_name(manifest)
    version = folder / "1"
    version.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(encoder / MODEL_FILE, version / "model.onnx")
    if serving.backend == "python":
        shutil.copyfile(PYTHON_MODEL, version / "model.py")
    (folder / "config.pbtxt").write_text(MessageToString(configuration(manifest, serving)))
    return folder


def configuration(manifest: EncoderManifest, serving: Serving) -> triton.ModelConfig:
    """Triton's description of the encoder: types and shapes, dynamic batching, where it runs."""
    config = triton.ModelConfig(
        name=model_name(manifest),
        backend=serving.backend,
        max_batch_size=serving.max_batch,
        input=[triton.ModelInput(name=manifest.input, data_type=triton.TYPE_UINT8, dims=_tile(manifest))],
        output=[triton.ModelOutput(name=manifest.output, data_type=triton.TYPE_FP32, dims=[manifest.dim])],
        dynamic_batching=triton.ModelDynamicBatching(max_queue_delay_microseconds=serving.queue_delay_us),
        instance_group=[triton.ModelInstanceGroup(kind=_kind(serving), count=1)],
        model_warmup=[_warmup(manifest, serving)],
    )
    for name, value in _parameters(manifest, serving).items():
        config.parameters[name].string_value = value
    return config


def _tile(manifest: EncoderManifest) -> list[int]:
    return [manifest.input_px, manifest.input_px, 3]


def _kind(serving: Serving) -> int:
    group = triton.ModelInstanceGroup
    kind: int = group.KIND_GPU if serving.gpu else group.KIND_CPU
    return kind


def _warmup(manifest: EncoderManifest, serving: Serving) -> triton.ModelWarmup:
    """A warm-up run before the model is ready, of a whole batch on a GPU."""
    tiles = triton.ModelWarmup.Input(data_type=triton.TYPE_UINT8, dims=_tile(manifest), zero_data=True)
    batch = serving.max_batch if serving.gpu else 1
    return triton.ModelWarmup(name="warmup", batch_size=batch, inputs={manifest.input: tiles})


def _parameters(manifest: EncoderManifest, serving: Serving) -> dict[str, str]:
    """Parameters that the back end knows, and the digest for people and for model.py."""
    threads = "threads" if serving.backend == "python" else "intra_op_thread_count"
    return {"encoder_digest": manifest.digest, threads: str(serving.threads)}


def _arguments() -> argparse.Namespace:
    usual = Serving()
    parser = argparse.ArgumentParser(prog="python -m services.embedder.triton_repository", description=__doc__)
    parser.add_argument("--encoder", type=Path, required=True, help="folder with encoder.onnx and manifest.json")
    parser.add_argument("--out", type=Path, required=True, help="the model repository to write into")
    parser.add_argument("--backend", choices=["onnxruntime", "python"], default=usual.backend)
    parser.add_argument("--gpu", action="store_true", help="run on GPUs, one instance each")
    parser.add_argument("--max-batch", type=int, default=usual.max_batch)
    parser.add_argument("--queue-delay-us", type=int, default=usual.queue_delay_us)
    parser.add_argument("--threads", type=int, default=usual.threads, help="threads on a CPU")
    return parser.parse_args()


def main() -> int:
    """Write the repository and print its folder; 1 and one sentence if the encoder is at fault."""
    given = _arguments()
    serving = Serving(given.backend, given.gpu, given.max_batch, given.queue_delay_us, given.threads)
    try:
        folder = write_repository(given.encoder, given.out, serving)
    except (MedullaError, OSError) as error:
        advice = f" {error.advice}" if isinstance(error, PermanentError) else ""
        sys.stderr.write(f"{error}.{advice}\n")
        return 1
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
