"""`medulla classifier …`: fits a classifier of tiles on frozen embeddings, applies it to a cohort, shows it."""

from pathlib import Path
from typing import Annotated

import typer

from services.standalone.commands.options import AsJson
from services.standalone.console import exit_codes, loading, print_json, progress, say

app = typer.Typer(help="Classifiers of tiles on frozen embeddings: fit, apply, show.", no_args_is_help=True)

BLOCK = "composition"
"""Name of the block of vectors, by default."""
ClassifierFolder = Annotated[Path, typer.Argument(metavar="PATH", help="Folder of the classifier.")]
Bags = Annotated[Path, typer.Option("--embeddings", help="Folder with index.csv, as `medulla embed` writes it.")]


@app.command("fit")
def fit(
    tiles: Annotated[Path, typer.Option(help="Folder that `medulla tiles` wrote.")],
    embeddings: Bags,
    out: Annotated[Path, typer.Option(help="Folder of the classifier; one that is there is replaced.")],
    seed: Annotated[int, typer.Option(help="The same seed and tiles give the same classifier.", min=0)] = 1,
    as_json: AsJson = False,
) -> None:
    """Learn the classes of labelled tiles; every figure is of patients who were left out."""
    with loading():
        from services.standalone.classifier_lines import card, classifier_lines
        from services.trainer.cohort.embeddings import read_embeddings
        from services.trainer.tile_classifier.fit import fit_classifier
        from services.trainer.tile_classifier.labels import labelled_tiles, read_tiles
        from shared.files import put
    with exit_codes(), progress("fits") as advance:
        bags = read_embeddings(embeddings)
        classifier = fit_classifier(labelled_tiles(read_tiles(tiles), bags), bags, seed, advance)
        classifier.write(out)
        put(out / "card.md", card(classifier.manifest).encode())
    if as_json:
        print_json({"digest": classifier.digest, **classifier.manifest.model_dump(mode="json")})
    else:
        say("\n".join(classifier_lines(out, classifier)))


@app.command("apply")
def apply(
    path: ClassifierFolder,
    embeddings: Bags,
    out: Annotated[Path, typer.Option(help="Folder for BLOCK.csv and vectors/{case_id}/BLOCK.json.")],
    block: Annotated[str, typer.Option(help="Name of the block of vectors.")] = BLOCK,
    as_json: AsJson = False,
) -> None:
    """Write each case's share of tiles of every class, as a table for --vectors and as vectors for the bucket."""
    with loading():
        from services.standalone.classifier_lines import composition_lines
        from services.trainer.cohort.embeddings import read_embeddings
        from services.trainer.tile_classifier.classifier import TileClassifier
        from services.trainer.tile_classifier.composition import compose
        from shared import keys, pseudonyms
    if not pseudonyms.is_pseudonym(block):
        raise typer.BadParameter(f"--block is {block!r}, allowed are {pseudonyms.PSEUDONYM}")
    with exit_codes(), progress("cases") as advance:
        composition = compose(TileClassifier.read(path), read_embeddings(embeddings), advance)
        composition.write_vectors(out / keys.VECTORS, block)
        table = out / f"{block}.csv"
        composition.write_table(table)
    if as_json:
        print_json({"table": str(table), "vectors": str(out / keys.VECTORS), "cases": len(composition.cases)})
    else:
        say("\n".join(composition_lines(composition, table, block)))


@app.command("show")
def show(path: ClassifierFolder, as_json: AsJson = False) -> None:
    """Say what a classifier is: encoder, classes, figures."""
    with loading():
        from services.standalone.classifier_lines import classifier_lines
        from services.trainer.tile_classifier.classifier import TileClassifier
    with exit_codes():
        classifier = TileClassifier.read(path)
    if as_json:
        print_json({"digest": classifier.digest, **classifier.manifest.model_dump(mode="json")})
    else:
        say("\n".join(classifier_lines(path, classifier)))
