"""What people read of a slide's composition: the expected share of each class of tiles."""

from medulla.v1.scorer_pb2 import Score, SlideEvidence

from shared.export.risk_text import percent


def shares(score: Score, slide: SlideEvidence) -> str:
    """The classes of a slide's tiles in one sentence, the most frequent first; empty where there are none."""
    known = zip(score.composition_classes, slide.composition_shares, strict=False)
    listed = [f"{name} {percent(share)}" for name, share in sorted(known, key=lambda each: -each[1])]
    return f"Composition, expected shares of tiles: {', '.join(listed)}." if listed else ""
