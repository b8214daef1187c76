"""The layout of a MIRAX slide: a file that stands for it, and a folder of the same name with the rest."""

INDEX = """\ufeff[GENERAL]
SLIDE_VERSION = 01.03

[HIERARCHICAL]
HIER_COUNT = 1
INDEXFILE = Index.dat

[DATAFILE]
FILE_COUNT = 2
FILE_0 = Data0000.dat
FILE_1 = Data0001.dat
"""


def mirax(name: str) -> dict[str, bytes]:
    """Files of a slide by what they are called; one of them is no part of it."""
    return {
        f"{name}.mrxs": b"\xff\xd8\xff a picture of the slide",
        f"{name}/Slidedat.ini": INDEX.encode(),
        f"{name}/Index.dat": b"places",
        f"{name}/Data0000.dat": b"pixels",
        f"{name}/Data0001.dat": b"more pixels",
        f"{name}/Data0002.dat": b"no part of it",
    }
