"""Fine-tunes an encoder on labelled tiles or on slide-level outcome; the graph that is served stays the same."""
