"""The one definition of what trainer and scorer share of the risk model: pure, and without words of any disease."""
