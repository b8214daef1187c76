"""Embeds many slides past bad ones, and lists both kinds in tables; a second run resumes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from services.standalone.embedding_tables import Embedded, Tables, write_tables
from services.standalone.errors import refusal
from services.standalone.pipeline import Pipeline, open_pipeline
from services.standalone.pipeline_options import Options
from services.standalone.selection import Item, Refused
from services.standalone.workspace import open_workspace
from shared.progress import Advance


def embed_slides(items: Sequence[Item], out: Path, options: Options, advance: Advance) -> Tables:
    """Embed every slide into `out`; the index lists embedded slides, `failures.csv` refused ones."""
    outcomes = []
    with (
        open_pipeline(open_workspace(out), options) as pipeline,
        ThreadPoolExecutor(options.workers, thread_name_prefix="slide") as pool,
    ):
        for done, outcome in enumerate(pool.map(partial(_outcome, pipeline), items), 1):
            outcomes.append(outcome)
            advance(done, len(items))
    return write_tables(out, outcomes)


def _outcome(pipeline: Pipeline, item: Item) -> Embedded:
    if isinstance(item, Refused):
        return Embedded(item, error=item.error)
    try:
        return Embedded(item, event=pipeline.embed(item))
    except Exception as error:  # noqa: BLE001 - any error of a slide becomes its row
        return Embedded(item, error=refusal(error))
