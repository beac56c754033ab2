"""What `scripts/reproduce_*` and `scripts/ablate` are made of."""
