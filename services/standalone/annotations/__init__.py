"""Labelled tiles from a pathologist's annotations: QuPath's GeoJSON in, tiles of the tiler's grid with a class out."""
