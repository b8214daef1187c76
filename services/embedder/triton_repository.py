"""Writes Triton's model repository from an encoder's folder: `python -m services.embedder.triton_repository --help`."""

import argparse
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from google.protobuf.text_format import MessageToString
from pydantic import ValidationError
from tritonclient.grpc import model_config_pb2 as triton

from services.embedder.errors import UnknownEncoderError
from services.embedder.manifest import (
    DATA_FILE,
    MODEL_FILE,
    SCRIPT_FILE,
    EncoderManifest,
    check_digest,
    read_manifest,
    read_model,
)
from services.embedder.serving import Backend, Serving
from shared.errors import MedullaError, PermanentError

PYTHON_MODEL = Path(__file__).parent / "triton_model.py"
_ENGINE_CACHE = "/tmp/tensorrt"  # noqa: S108 - inside Triton's container


def model_name(manifest: EncoderManifest) -> str:
    """The encoder's name in Triton; it contains the digest, so that another file cannot be used by mistake."""
    return f"{manifest.name}-{manifest.digest[:12]}"


def write_repository(encoder: Path, out: Path, serving: Serving | None = None) -> Path:
    """Write `out/{model name}`: config.pbtxt and in `1/` the files of its back end; the manifest says how it is served.

    `serving` goes before the manifest's.

    Raises:
        UnknownEncoderError: there is no valid encoder in the folder.
        EncoderAlteredError: one of its files is not the one its manifest describes.
    """
    manifest = read_manifest(encoder)
    if serving:
        manifest = manifest.model_copy(update={"serving": serving})
    files = _files(encoder, manifest)
    folder = out / model_name(manifest)
    version = folder / "1"
    version.mkdir(parents=True, exist_ok=True)
    for name, source in files.items():
        shutil.copyfile(source, version / name)
    (folder / "config.pbtxt").write_text(MessageToString(configuration(manifest)))
    return folder


def _files(encoder: Path, manifest: EncoderManifest) -> dict[str, Path]:
    """Files of the model by their name in Triton, checked."""
    if manifest.serving.backend == "pytorch":
        check_digest(encoder / SCRIPT_FILE, manifest.script_digest or "")
        return {"model.pt": encoder / SCRIPT_FILE}
    read_model(encoder, manifest)
    files = {"model.onnx": encoder / MODEL_FILE}
    data = {DATA_FILE: encoder / DATA_FILE} if manifest.data_digest else {}
    return files | data | ({"model.py": PYTHON_MODEL} if manifest.serving.backend == "python" else {})


def configuration(manifest: EncoderManifest) -> triton.ModelConfig:
    """Triton's description of the encoder: types and shapes, dynamic batching, where it runs."""
    serving = manifest.serving
    tiles, features = map(serving.tensor, (manifest.input, manifest.output))
    config = triton.ModelConfig(
        name=model_name(manifest),
        backend=_BACKENDS.get(serving.backend, serving.backend),
        max_batch_size=serving.max_batch,
        input=[triton.ModelInput(name=tiles, data_type=triton.TYPE_UINT8, dims=_tile(manifest))],
        output=[triton.ModelOutput(name=features, data_type=triton.TYPE_FP32, dims=[manifest.dim])],
        dynamic_batching=triton.ModelDynamicBatching(max_queue_delay_microseconds=serving.queue_delay_us),
        instance_group=[triton.ModelInstanceGroup(kind=_kind(serving), count=serving.instances)],
        model_warmup=[_warmup(manifest, tiles)],
    )
    for name, value in _parameters(manifest).items():
        config.parameters[name].string_value = value
    if serving.backend == "tensorrt":
        config.optimization.execution_accelerators.gpu_execution_accelerator.append(_tensorrt(serving))
    return config


def _tile(manifest: EncoderManifest) -> list[int]:
    return [manifest.input_px, manifest.input_px, 3]


def _kind(serving: Serving) -> int:
    group = triton.ModelInstanceGroup
    kind: int = group.KIND_GPU if serving.gpu else group.KIND_CPU
    return kind


def _warmup(manifest: EncoderManifest, name: str) -> triton.ModelWarmup:
    """A warm-up run before the model is ready, of a whole batch on a GPU."""
    tiles = triton.ModelWarmup.Input(data_type=triton.TYPE_UINT8, dims=_tile(manifest), zero_data=True)
    batch = manifest.serving.max_batch if manifest.serving.gpu else 1
    return triton.ModelWarmup(name="warmup", batch_size=batch, inputs={name: tiles})


def _parameters(manifest: EncoderManifest) -> dict[str, str]:
    """Parameters that the back end knows, and the digest for people and for model.py."""
    threads = _THREADS.get(manifest.serving.backend, "intra_op_thread_count")
    return {"encoder_digest": manifest.digest, threads: str(manifest.serving.threads)}


def _tensorrt(serving: Serving) -> triton.ModelOptimizationPolicy.ExecutionAccelerators.Accelerator:
    """TensorRT inside ONNX Runtime, which keeps the engines that it builds at the first start."""
    parameters = {
        "precision_mode": "FP16" if serving.precision == "float16" else "FP32",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": _ENGINE_CACHE,
    }
    return triton.ModelOptimizationPolicy.ExecutionAccelerators.Accelerator(name="tensorrt", parameters=parameters)


_BACKENDS: Mapping[Backend, str] = {"tensorrt": "onnxruntime"}
_THREADS: Mapping[Backend, str] = {"python": "threads", "pytorch": "INTRA_OP_THREAD_COUNT"}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services.embedder.triton_repository", description=__doc__)
    parser.add_argument("--encoder", type=Path, required=True, help="folder with encoder.onnx and manifest.json")
    parser.add_argument("--out", type=Path, required=True, help="the model repository to write into")
    parser.add_argument("--backend", choices=["onnxruntime", "tensorrt", "python"], help="else the manifest's")
    parser.add_argument("--precision", choices=["float32", "float16"], help="float16 is for tensorrt")
    parser.add_argument("--gpu", action="store_const", const=True, help="run on GPUs")
    parser.add_argument("--instances", type=int, help="copies on each GPU, or on the CPU")
    parser.add_argument("--max-batch", type=int)
    parser.add_argument("--queue-delay-us", type=int)
    parser.add_argument("--threads", type=int, help="threads on a CPU")
    return parser.parse_args()


def _serving(options: argparse.Namespace) -> Serving:
    """The manifest's choices with those of the command line.

    Raises:
        UnknownEncoderError: the encoder or the choices are at fault.
    """
    named = {name: value for name, value in vars(options).items() if name in Serving.model_fields and value is not None}
    try:
        return Serving.model_validate(read_manifest(options.encoder).serving.model_dump() | named)
    except ValidationError as error:
        raise UnknownEncoderError(f"it cannot be served so: {error.errors()[0]['msg']}") from error


def main() -> int:
    """Write the repository and print its folder; 1 and one sentence if the encoder is at fault."""
    options = _arguments()
    try:
        folder = write_repository(options.encoder, options.out, _serving(options))
    except (MedullaError, OSError) as error:
        advice = f" {error.advice}" if isinstance(error, PermanentError) else ""
        sys.stderr.write(f"{error}.{advice}\n")
        return 1
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
