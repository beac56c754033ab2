"""What `scripts/compare_dense_cmsis_nn` is made of."""
