"""Long legs of the fuzz targets in tflm_ops/fuzz: `scripts/fuzz`."""
