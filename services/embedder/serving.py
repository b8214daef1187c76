"""How Triton runs an encoder; the manifest holds it, since back ends name tensors and files differently."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.embedder.conversion import Precision

Backend = Literal["onnxruntime", "tensorrt", "pytorch", "python"]
"""`tensorrt` is ONNX Runtime with engines of TensorRT; `python` is ONNX Runtime in Triton's Python back end."""


class Serving(BaseModel):
    """Back end, device and batches of one encoder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: Backend = "onnxruntime"
    precision: Precision = "float32"
    """Of the computation; float16 is for TensorRT alone."""
    gpu: bool = False
    instances: int = Field(default=1, ge=1, le=16)
    """Copies of the encoder on each GPU, or on the CPU."""
    max_batch: int = Field(default=64, ge=1, le=4096)
    """Most tiles in one run; requests that wait together share it."""
    queue_delay_us: int = Field(default=5000, ge=0)
    """How long a request may wait for others, in microseconds."""
    threads: int = Field(default=0, ge=0)
    """Threads on a CPU; 0: one per core with the Python back end, the runtime's default with the others."""

    @model_validator(mode="after")
    def _device_fits(self) -> Self:
        if self.backend == "tensorrt" and not self.gpu:
            raise ValueError("tensorrt runs on a GPU alone: set gpu")
        if self.precision == "float16" and self.backend != "tensorrt":
            raise ValueError(f"{self.backend} computes in float32; float16 is for tensorrt")
        return self

    def tensor(self, name: str) -> str:
        """Name of a tensor in Triton: the PyTorch back end wants its position behind it."""
        return f"{name}__0" if self.backend == "pytorch" else name


def is_usual(serving: Serving) -> bool:
    """Whether a manifest leaves it out."""
    return serving == Serving()
