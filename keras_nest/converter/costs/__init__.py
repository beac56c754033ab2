"""What a packed op costs on a core, without running it.

`scripts/measure_costs` runs synthetic ops in QEMU and writes `<core>.json` beside this
file; `features` says what those counts are linear in; `predict` multiplies both.
"""

from keras_nest.converter.costs.table import CostTable, load, predict

__all__ = ["CostTable", "load", "predict"]
