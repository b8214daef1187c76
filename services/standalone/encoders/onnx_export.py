"""Makes an encoder's folder from an ONNX network: preparation of pixels in front, compared with the network."""

from pathlib import Path

from services.embedder.export import prepared_graph, write_encoder
from services.embedder.manifest import EncoderManifest
from services.embedder.onnx_encoder import OnnxModel
from services.standalone.encoders.errors import BadNetworkError
from services.standalone.encoders.job import ExportJob, card, conversion
from services.standalone.encoders.onnx_reference import UnwrappedNetwork
from services.standalone.encoders.parity import check_parity, compare, parity_tiles
from shared.progress import Advance, silent


def export_encoder(job: ExportJob, advance: Advance = silent) -> EncoderManifest:
    """Make an encoder's folder; nothing is written unless it gives the features of the network.

    Raises:
        BadNetworkError: something is asked for that is not possible with an ONNX network.
        UnknownEncoderError: the file is not a network from images to features.
        LicenceRefusedError: the terms of the weights forbid the use, or were not acknowledged.
        DifferentFeaturesError: the encoder gives other features than the network.
    """
    if job.precision != "float32" or job.torchscript:
        raise BadNetworkError("--float16 and --torchscript are for networks of torch")
    path, pixels = job.permitted_weights() or Path(job.recipe.architecture.name), job.recipe.pixels
    model = prepared_graph(path, pixels.preparation, card(job))
    reference = UnwrappedNetwork(path, pixels)
    tiles = parity_tiles(pixels.tile_px, pixels.tile_um)
    parity = compare(OnnxModel(model).run, reference.embed, "the network in ONNX Runtime", tiles)
    check_parity(parity, job.precision)
    advance(1, 2)
    manifest = write_encoder(model, card(job), job.out, conversion=conversion(job, path, parity, reference.opset))
    advance(2, 2)
    return manifest
