"""From a plain Keras graph to one whose layers have levels."""
