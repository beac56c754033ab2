"""The packed format in Python: what the C kernels read, written and checked.

The layout is specified in docs/format.md, and summed up in
tflm_ops/include/nest/format.h.
"""

from keras_nest.format.facts import (
    encoding_of,
    entropy_bound,
    level_nonzeros,
    level_weights,
    pattern_of,
    section_sizes,
    variant_of,
)
from keras_nest.format.operation import (
    ENCODINGS,
    NEVER,
    OPS,
    FormatError,
    Geometry,
    NestedOp,
    four_bits,
)
from keras_nest.format.pack import Candidate, candidates, pack
from keras_nest.format.scratch import scratch_bytes, scratch_limit
from keras_nest.format.unpack import unpack
from keras_nest.format.widths import Segment, Widths

__all__ = [
    "ENCODINGS",
    "NEVER",
    "OPS",
    "Candidate",
    "FormatError",
    "Geometry",
    "NestedOp",
    "Segment",
    "Widths",
    "candidates",
    "encoding_of",
    "entropy_bound",
    "four_bits",
    "level_nonzeros",
    "level_weights",
    "pack",
    "pattern_of",
    "scratch_bytes",
    "scratch_limit",
    "section_sizes",
    "unpack",
    "variant_of",
]
