"""Plans and embeds slides."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from medulla._extras import needs
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.standalone.embedded_slides import embed_slides
from services.standalone.embedding_tables import Tables
from services.standalone.named_slides import options_for
from services.standalone.selection import select
from shared.progress import Advance


def embed(
    slides: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    table: str | Path | None = None,
    case_id: str | None = None,
    encoder: str | Path | None = None,
    default_mpp: float | None = None,
    workers: int | None = None,
    progress: Advance = lambda done, total: None,  # noqa: ARG005 - of the type
) -> Tables:
    """Embed slides as `medulla embed` does: past refused ones, and a second run goes on where the first stopped.

    `slides` are files, or folders that hold `slides/{case_id}/…`, `{case_id}/…` or slides; `table` lists more of them
    (case_id, path, and where wanted slide_id and mpp). Without a folder or a table that names its case, a slide is a
    case of its own, or of `case_id`. `default_mpp`, in microns per pixel, is for slides that state no resolution.
    `workers` slides are worked on at once, by default one a processor. `progress` is called with the numbers of
    finished and of all slides.

    `out` then has `index.csv` (a row for each bag), `failures.csv` (a row for each refused slide, with its reason)
    and the bags: float16 features [n, d] of n tiles, see `medulla.Bag`.

    >>> tables = medulla.embed(medulla.demo.SLIDE, "embeddings", case_id="DEMO-001")
    >>> tables.embedded, tables.failed, str(tables.index)
    (1, 0, 'embeddings/index.csv')

    Raises:
        medulla.errors.UnknownEncoderError: the folder `encoder` holds none.
        OSError: `out` cannot be written.
    """
    named = [slides] if isinstance(slides, str | Path) else slides
    with needs("embed"):
        items = select([Path(path) for path in named], Path(table) if table else None, case_id)
        options = options_for(items, Path(encoder) if encoder else DEFAULT_ENCODER, default_mpp)
        return embed_slides(items, Path(out), replace(options, workers=workers or options.workers), progress)
