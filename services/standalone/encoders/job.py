"""One export: recipe, weights and use, and what becomes of them in manifest and notice."""

from dataclasses import dataclass
from pathlib import Path

from services.embedder.conversion import Conversion, Parity, Precision, Use
from services.embedder.export import EncoderCard
from services.embedder.manifest import file_digest
from services.standalone.encoders.errors import BadNetworkError
from services.standalone.encoders.licence import check_terms
from services.standalone.encoders.recipe import Recipe
from services.standalone.encoders.sources import own_weights
from shared.preprocessing import Preprocessing
from shared.random_weights import random_name

COMPLETE = {"torchscript", "onnx"}
"""Networks whose file holds their weights."""


@dataclass(frozen=True)
class ExportJob:
    """One call of the command."""

    recipe: Recipe
    out: Path
    origin: str
    """Where the weights come from and what they were trained on."""
    weights: Path | None = None
    random_seed: int | None = None
    precision: Precision = "float32"
    torchscript: bool = False
    """Whether encoder.pt is written too, for Triton's PyTorch back end."""
    use: Use = "research"
    acknowledged: bool = False
    preprocessing: Preprocessing = Preprocessing.AREA

    @property
    def name(self) -> str:
        """Name of the encoder, which says so where its weights are random."""
        return self.recipe.name if self.random_seed is None else random_name(self.recipe.name, self.random_seed)

    def permitted_weights(self) -> Path | None:
        """File of weights whose terms allow the use; None for random ones.

        Raises:
            BadNetworkError: no weights are named, or one too many.
            LicenceRefusedError: their terms forbid the use, or were not acknowledged.
        """
        named = [source for source in (self.weights, self.random_seed, self._complete) if source is not None]
        if len(named) > 1:
            raise BadNetworkError("give one of --weights, --random-weights and a file that holds its weights")
        if self.random_seed is not None:
            return None
        file = self._complete or self.weights or own_weights(self.recipe)
        if file is None:
            raise BadNetworkError(f"{self.recipe.name} needs its weights: {_where(self.recipe)}")
        check_terms(self.recipe.terms, self.use, acknowledged=self.acknowledged)
        return file

    @property
    def _complete(self) -> Path | None:
        architecture = self.recipe.architecture
        return Path(architecture.name) if architecture.kind in COMPLETE else None


def card(job: ExportJob) -> EncoderCard:
    """Name, origin, notice and tiles of the encoder."""
    recipe, pixels = job.recipe, job.recipe.pixels
    random = "" if job.random_seed is None else f"RANDOM WEIGHTS, seed {job.random_seed}; "
    terms = f"{recipe.terms.name}{f' ({recipe.terms.url})' if recipe.terms.url else ''}"
    lines = [
        f"{job.name}: {random}{job.origin}. Licence: {terms}.",
        *([recipe.terms.note] if recipe.terms.note else []),
        *([f"Cite: {recipe.citation}"] if recipe.citation else []),
        "Converted to ONNX, with the preparation of pixels inside. Research use only.",
    ]
    return EncoderCard(
        name=job.name,
        version=recipe.version,
        source=f"{random}{job.origin}",
        licence=recipe.terms.name,
        notice="\n".join(lines) + "\n",
        tile_px=pixels.tile_px,
        tile_um=pixels.tile_um,
        preprocessing=job.preprocessing,
    )


def conversion(job: ExportJob, weights: Path | None, parity: Parity, opset: int) -> Conversion:
    """What the manifest says of the conversion."""
    recipe = job.recipe
    return Conversion(
        network=recipe.architecture.network,
        weights_digest=file_digest(weights) if weights else None,
        random_seed=job.random_seed,
        pooling=recipe.pooling,
        interpolation=recipe.pixels.interpolation,
        precision=job.precision,
        opset=opset,
        terms=recipe.terms,
        use=job.use,
        acknowledged=job.acknowledged,
        citation=recipe.citation,
        parity=parity,
    )


def _where(recipe: Recipe) -> str:
    if recipe.weights:
        return f"get {recipe.weights.file} from its owner at {recipe.weights.url} and give it as --weights"
    return "give a file as --weights"
