"""A slide's composition in words."""

from shared.export import composition_text, score_text
from tests.support import scores as samples


def test_the_most_frequent_class_comes_first() -> None:
    score = samples.add_composition(samples.score())
    score.slides[0].composition_shares[:] = [0.2, 0.797, 0.003]
    expected = "Composition, expected shares of tiles: nodules 79.7%, plain 20.0%, necrosis <1%."
    assert composition_text.shares(score, score.slides[0]) == expected
    assert composition_text.shares(samples.score(), samples.score().slides[0]) == ""


def test_a_vector_of_the_slides_says_where_it_is_from() -> None:
    vector = samples.with_vectors().vectors[0]
    vector.from_slides = True
    start = "blood counts: from the slides by the bundle's classifier of tiles, 15 of 17 columns known"
    assert score_text.vector(vector).startswith(start)
