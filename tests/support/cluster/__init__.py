"""A cluster as the tests need it: images, releases, what stands around them, and looks from outside."""
