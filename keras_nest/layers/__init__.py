"""Drop-in Keras layers that hold nested sub-networks; for every Keras backend."""

from keras_nest.layers.bits import BitsConv1D, BitsConv2D, BitsDense
from keras_nest.layers.conv import NestedConv1D, NestedConv2D
from keras_nest.layers.dense import NestedDense
from keras_nest.layers.depthwise import NestedDepthwiseConv2D
from keras_nest.layers.line import LineConv1D, LineConv2D, LineDense
from keras_nest.layers.normalization import NestedBatchNormalization

__all__ = [
    "BitsConv1D",
    "BitsConv2D",
    "BitsDense",
    "LineConv1D",
    "LineConv2D",
    "LineDense",
    "NestedBatchNormalization",
    "NestedConv1D",
    "NestedConv2D",
    "NestedDense",
    "NestedDepthwiseConv2D",
]
