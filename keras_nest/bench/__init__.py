"""What a nested model costs on a Cortex-M, counted in QEMU: no board needed.

```python
result = bench(tflite, target="cortex-m4", data=x)
result.instructions   # of all nested ops, one number per level
```
"""

from keras_nest.bench.measure import BenchResult, OpCost, bench

__all__ = ["BenchResult", "OpCost", "bench"]
