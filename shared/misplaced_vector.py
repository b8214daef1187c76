"""What is wrong with the key of a vector that does not read `vectors/{case_id}/{block}.json`, and what it should be."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from shared.pseudonyms import is_pseudonym


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A problem and its remedy, a sentence each."""

    sentence: str
    advice: str


def misplaced_vector(key: PurePosixPath) -> Misplaced:
    """The problem of a key below `vectors/`, and the key that the vector should have.

    The remedy, which is logged, repeats no part of the key that is no pseudonym: it may be a person's name, and would
    be refused again.
    """
    root, case, *below = key.parts
    is_json = key.suffix.lower() == ".json"
    stem = key.stem if is_pseudonym(key.stem) else ""
    write = "Store it as" if is_json else "Write the values as JSON to"
    if not below:
        place = f"{root}/{stem if is_json and stem else 'CASE'}/BLOCK.json, where BLOCK is the name of its block"
        return Misplaced(f"vector '{key}' is not inside a case's folder", f"{write} {place}.")
    problem = "is in a folder below that of its case" if len(below) > 1 else "does not end in .json"
    place = f"{root}/{case if is_pseudonym(case) else 'CASE'}/{stem or 'BLOCK'}.json"
    return Misplaced(f"vector '{key}' {problem}", f"{write} {place}.")
