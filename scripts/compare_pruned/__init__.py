"""What `scripts/compare_tfmot` is made of."""
