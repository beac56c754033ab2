"""The calls that put a model's ops into TFLM's MicroMutableOpResolver.

The methods are those of tensorflow/lite/micro/micro_mutable_op_resolver.h of
tflite-micro at 90b983c2 (2026-08-20).
"""

from __future__ import annotations

import dataclasses
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from keras_nest.converter import flatbuffer
from keras_nest.converter.nested_file import CUSTOM_CODES
from keras_nest.errors import NestError


@dataclasses.dataclass(frozen=True)
class ResolverCall:
    """One op of a model and how to register it.

    Attributes:
        op: Its name: a builtin one of the schema, or a custom code.
        call: The method with its arguments, as C++.
        nested: Whether it is one of ours.
    """

    op: str
    call: str
    nested: bool


def resolver_calls(model: Any) -> list[ResolverCall]:
    """One call for each kind of op that a parsed .tflite has, sorted by name.

    Their number is the resolver's template argument.

    Raises:
        NestError: If TFLM has no method for an op.
    """
    found = {
        (code, custom)
        for subgraph in model.subgraphs
        for code, custom in (
            flatbuffer.code_of(model, operator) for operator in subgraph.operators
        )
    }
    calls = [_call(code, custom) for code, custom in found]
    return sorted(calls, key=lambda one: one.op)


def _call(code: int, custom: str) -> ResolverCall:
    if code != flatbuffer.CUSTOM:
        name = _NAMES.get(code, f"number {code}")
        if name not in BUILTIN_METHODS:
            raise _unknown(f"the builtin op {name}")
        return ResolverCall(name, f"{BUILTIN_METHODS[name]}()", False)
    if custom in CUSTOM_CODES:
        call = f'AddCustom("{custom}", Register_{custom}())'
        return ResolverCall(custom, call, True)
    if custom not in CUSTOM_METHODS:
        raise _unknown(f"the custom op {custom!r}")
    return ResolverCall(custom, f"{CUSTOM_METHODS[custom]}()", False)


def _unknown(what: str) -> NestError:
    return NestError(
        "Expected a .tflite whose ops TensorFlow Lite Micro can register. Received: "
        f"one with {what}, for which MicroMutableOpResolver has no method",
        hint="Replace the layer it comes from; `keras-nest inspect` lists the ops.",
    )


# Several names of the schema may share a code; the first is the usual one.
_NAMES: dict[int, str] = {}
for _name, _value in vars(schema.BuiltinOperator).items():
    if isinstance(_value, int):
        _NAMES.setdefault(_value, _name)

# Name in the schema -> method.
BUILTIN_METHODS = {
    "ABS": "AddAbs",
    "ADD": "AddAdd",
    "ADD_N": "AddAddN",
    "ARG_MAX": "AddArgMax",
    "ARG_MIN": "AddArgMin",
    "ASSIGN_VARIABLE": "AddAssignVariable",
    "AVERAGE_POOL_2D": "AddAveragePool2D",
    "BATCH_MATMUL": "AddBatchMatMul",
    "BATCH_TO_SPACE_ND": "AddBatchToSpaceNd",
    "BROADCAST_ARGS": "AddBroadcastArgs",
    "BROADCAST_TO": "AddBroadcastTo",
    "CALL_ONCE": "AddCallOnce",
    "CAST": "AddCast",
    "CEIL": "AddCeil",
    "CONCATENATION": "AddConcatenation",
    "CONV_2D": "AddConv2D",
    "COS": "AddCos",
    "CUMSUM": "AddCumSum",
    "DEPTHWISE_CONV_2D": "AddDepthwiseConv2D",
    "DEPTH_TO_SPACE": "AddDepthToSpace",
    "DEQUANTIZE": "AddDequantize",
    "DIV": "AddDiv",
    "DYNAMIC_UPDATE_SLICE": "AddDynamicUpdateSlice",
    "ELU": "AddElu",
    "EMBEDDING_LOOKUP": "AddEmbeddingLookup",
    "EQUAL": "AddEqual",
    "EXP": "AddExp",
    "EXPAND_DIMS": "AddExpandDims",
    "FILL": "AddFill",
    "FLOOR": "AddFloor",
    "FLOOR_DIV": "AddFloorDiv",
    "FLOOR_MOD": "AddFloorMod",
    "FULLY_CONNECTED": "AddFullyConnected",
    "GATHER": "AddGather",
    "GATHER_ND": "AddGatherNd",
    "GREATER": "AddGreater",
    "GREATER_EQUAL": "AddGreaterEqual",
    "HARD_SWISH": "AddHardSwish",
    "IF": "AddIf",
    "L2_NORMALIZATION": "AddL2Normalization",
    "L2_POOL_2D": "AddL2Pool2D",
    "LEAKY_RELU": "AddLeakyRelu",
    "LESS": "AddLess",
    "LESS_EQUAL": "AddLessEqual",
    "LOG": "AddLog",
    "LOGICAL_AND": "AddLogicalAnd",
    "LOGICAL_NOT": "AddLogicalNot",
    "LOGICAL_OR": "AddLogicalOr",
    "LOGISTIC": "AddLogistic",
    "LOG_SOFTMAX": "AddLogSoftmax",
    "MAXIMUM": "AddMaximum",
    "MAX_POOL_2D": "AddMaxPool2D",
    "MEAN": "AddMean",
    "MINIMUM": "AddMinimum",
    "MIRROR_PAD": "AddMirrorPad",
    "MUL": "AddMul",
    "NEG": "AddNeg",
    "NOT_EQUAL": "AddNotEqual",
    "PACK": "AddPack",
    "PAD": "AddPad",
    "PADV2": "AddPadV2",
    "PRELU": "AddPrelu",
    "QUANTIZE": "AddQuantize",
    "READ_VARIABLE": "AddReadVariable",
    "REDUCE_ALL": "AddReduceAll",
    "REDUCE_MAX": "AddReduceMax",
    "REDUCE_MIN": "AddReduceMin",
    "RELU": "AddRelu",
    "RELU6": "AddRelu6",
    "RESHAPE": "AddReshape",
    "RESIZE_BILINEAR": "AddResizeBilinear",
    "RESIZE_NEAREST_NEIGHBOR": "AddResizeNearestNeighbor",
    "REVERSE_V2": "AddReverseV2",
    "ROUND": "AddRound",
    "RSQRT": "AddRsqrt",
    "SELECT_V2": "AddSelectV2",
    "SHAPE": "AddShape",
    "SIN": "AddSin",
    "SLICE": "AddSlice",
    "SOFTMAX": "AddSoftmax",
    "SPACE_TO_BATCH_ND": "AddSpaceToBatchNd",
    "SPACE_TO_DEPTH": "AddSpaceToDepth",
    "SPLIT": "AddSplit",
    "SPLIT_V": "AddSplitV",
    "SQRT": "AddSqrt",
    "SQUARE": "AddSquare",
    "SQUARED_DIFFERENCE": "AddSquaredDifference",
    "SQUEEZE": "AddSqueeze",
    "STRIDED_SLICE": "AddStridedSlice",
    "SUB": "AddSub",
    "SUM": "AddSum",
    "SVDF": "AddSvdf",
    "TANH": "AddTanh",
    "TRANSPOSE": "AddTranspose",
    "TRANSPOSE_CONV": "AddTransposeConv",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "AddUnidirectionalSequenceLSTM",
    "UNPACK": "AddUnpack",
    "VAR_HANDLE": "AddVarHandle",
    "WHILE": "AddWhile",
    "ZEROS_LIKE": "AddZerosLike",
}

# Custom ops that TFLM itself has.
CUSTOM_METHODS = {
    "CIRCULAR_BUFFER": "AddCircularBuffer",
    "SignalDelay": "AddDelay",
    "SignalEnergy": "AddEnergy",
    "SignalFftAutoScale": "AddFftAutoScale",
    "SignalFilterBank": "AddFilterBank",
    "SignalFilterBankLog": "AddFilterBankLog",
    "SignalFilterBankSpectralSubtraction": "AddFilterBankSpectralSubtraction",
    "SignalFilterBankSquareRoot": "AddFilterBankSquareRoot",
    "SignalFramer": "AddFramer",
    "SignalIrfft": "AddIrfft",
    "SignalOverlapAdd": "AddOverlapAdd",
    "SignalPCAN": "AddPCAN",
    "SignalRfft": "AddRfft",
    "SignalStacker": "AddStacker",
    "SignalWindow": "AddWindow",
    "TFLM_DECODE": "AddDecode",
    "TFLite_Detection_PostProcess": "AddDetectionPostprocess",
}

ALL_METHODS = BUILTIN_METHODS | CUSTOM_METHODS
