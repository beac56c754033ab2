"""A reader of the nested ops in a .tflite, written from docs/format.md alone.

By somebody who had not seen this project's code. Where the page left a guess, the page
was mended since; one guess, that equal tables are refused, was wrong. Levels of bits
were added by the one who wrote them into the package.
"""

import struct
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema  # type: ignore[import-untyped]

_NAMES = str.split("""
    magic version op encoding levels block_rows block_cols index_bytes count_bytes
    flags tables input_zero_point output_zero_point act_min act_max segments
    four_bit_levels total_bytes in_h in_w in_c out_h out_w out_c kernel_h kernel_w
    stride_h stride_w dilation_h dilation_w pad_top pad_left tables_offset counts_offset
    indices_offset values_offset level_table sets reserved1""")
_DENSE, _BLOCKS, _LISTS, _OFFSETS, _VECTORS = range(5)
_PER = {(_OFFSETS, *block): 2 for block in ((1, 1), (1, 2), (1, 4), (4, 4))} | {
    (4, 1, 1): 8,
    (4, 1, 2): 8,
    (4, 1, 4): 4,
    (4, 1, 16): 2,
    (4, 4, 4): 4,
    (4, 4, 16): 2,
}  # by encoding and block, the entries of a record
_CODES = ["NESTED_CONV_2D", "NESTED_DEPTHWISE_CONV_2D", "NESTED_FULLY_CONNECTED"]
_STEP = 1 << 16  # runs, entries or channels handled at once: it bounds the memory
Array = np.ndarray


class RefusedError(ValueError):
    """Raised for bytes that are not as the page says."""


@dataclass
class Level:
    """One level of an op; arrays may be read-only and shared between levels."""

    weights: np.ndarray
    bias: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray


@dataclass
class Op:
    """The numeric fields of the header, and the levels, level 0 first."""

    fields: dict[str, int]
    levels: list[Level]


@dataclass
class FileOp:
    """A nested op of a file; `entry` is the element of the level that it reads."""

    custom_code: str
    entry: int | None
    op: Op


def _need(ok: object, why: str) -> None:
    """Refuse with `why` unless `ok`."""
    if not ok:
        raise RefusedError(why)


def _header(blob: bytes) -> tuple[dict[str, int], bytes]:
    """The numeric fields and the level table."""
    _need(len(blob) >= 128, "fewer than 128 bytes")
    values = struct.unpack_from("<4s10B4b2B7I8H4I32sI12s", blob)
    kind, enc, n, rows, cols, index, count, flags, tables = values[2:11]
    h, table, flat, widths, bits = (
        dict(zip(_NAMES, values, strict=False)),
        values[36],
        kind == 3,
        flags & 8,
        flags & 16,
    )
    ok = values[:2] == (b"NEST", 1) and not any(values[38])
    _need(ok and h["total_bytes"] == len(blob), "magic, version, size or reserved")
    indexed, allowed = enc in (_BLOCKS, _LISTS), 1 if enc < _OFFSETS or n < 2 else 3
    ok = (
        1 <= kind <= 3
        and enc <= 4
        and flags & ~(allowed if enc else 20 if bits else 12) == 0
    )
    ok = ok and (kind != 2 and 1 <= values[16] <= n if bits else values[16] == 0)
    ok = ok and 1 <= tables <= n <= 32 and index in ((1, 2) if indexed else (0,))
    ok = ok and count in ((1, 2, 4) if indexed else (2,) if enc or widths else (0,))
    ok = ok and max(table[:n]) < tables and not any(table[n:])
    ok = ok and (h["sets"] > 0 if widths else h["segments"] == h["sets"] == 0)
    _need(ok and h["act_min"] <= h["act_max"], "a field out of range")
    ones = h["in_h"], h["out_h"], *values[24:30]  # of kind 3
    ok = min(values[18:30]) >= 1 and max(values[18:30]) <= 1 << 24
    _need(ok and (not flat or (max(ones) == 1 and h["in_w"] == h["out_w"])), "sizes")
    for x, pad in (("h", h["pad_top"]), ("w", h["pad_left"])):
        reach = (h["kernel_" + x] - 1) * h["dilation_" + x] + 1
        last = (h["out_" + x] - 1) * h["stride_" + x] - pad
        _need(pad < reach <= 1 << 24 and last < h["in_" + x], "windows, axis " + x)
    kernel, in_c, out_c = h["kernel_h"] * h["kernel_w"], h["in_c"], h["out_c"]
    pixels, weights = h["out_h"] * h["out_w"], kernel * out_c * in_c ** (kind != 2)
    ok = weights <= 1 << 24 and h["in_h"] * h["in_w"] * in_c <= 1 << 30
    _need(ok and pixels * out_c <= 1 << 30, "too large")
    one, most = pixels * kernel == 1, (4, 16) if enc else (1, 1)
    ok = 1 <= rows <= most[0] and 1 <= cols <= most[1] and in_c % cols == 0
    if enc >= _OFFSETS:
        ok = ok and (enc, rows, cols) in _PER and not (one and (enc, cols) == (3, 1))
        ok = ok and (rows == 1 or (one and out_c % 4 == 0))
    _need(ok and (kind != 2 or out_c % in_c == enc == 0), "block or kind 2")
    return {k: v for k, v in h.items() if isinstance(v, int)}, table


def _blocks_by_offset(h: dict[str, int]) -> Array:
    """By offset (all of u16) its block, -1 where it is none's."""
    cols, in_c, offsets = h["block_cols"], h["in_c"], h["encoding"] == _OFFSETS
    reach_h, reach_w = ((h["kernel_" + x] - 1) * h["dilation_" + x] + 1 for x in "hw")
    padded = (h["out_w"] - 1) * h["stride_w"] + reach_w
    v, lanes = (2, cols) if offsets else (1, 16 if cols == 16 else in_c)
    point, ahead = h["kernel_h"] * h["kernel_w"] == 1, 8 if offsets and cols == 1 else 4
    phases = h["stride_w"] if (offsets or cols == 16) and not point else 1
    ahead = 1 if h["out_h"] * h["out_w"] == 1 else ahead
    width = ahead if point else -(-padded // phases)
    plane = phases * width * lanes * v
    row, most = in_c // lanes * plane, (reach_h + 1) * padded * in_c * 2 + 1024
    _need(reach_h * row <= min(1 << 16, most), "bytes of a band")
    column = np.arange(0, h["kernel_h"] * h["kernel_w"] * in_c, cols)
    c, (y, x) = column % in_c, np.divmod(column // in_c, h["kernel_w"])
    pixel = x * h["dilation_w"] % phases * width + x * h["dilation_w"] // phases
    offset = y * h["dilation_h"] * row + c // lanes * plane
    table = np.full(1 << 16, -1, np.int64)
    table[offset + (pixel * lanes + c % lanes) * v] = column // cols
    return table


class _Reader:
    """Reads one blob; within it, all weights are [out_c, columns]."""

    def __init__(self, blob: bytes) -> None:
        """Read everything; the result is in `h` and `levels`."""
        self.blob, self.end, (self.h, self.table) = blob, 128, _header(blob)
        h, out_c, n = self.h, self.h["out_c"], self.h["tables"]
        columns = h["kernel_h"] * h["kernel_w"] * (1 if h["op"] == 2 else h["in_c"])
        self.out_c, self.columns, self.levels = out_c, columns, list[Level]()
        raw = self._section("tables", "u1", 9, n * out_c)
        mult, self.bias = raw[:8].reshape(-1).view("<i4").reshape(2, n, out_c)
        shift = raw[8].view(np.int8).reshape(n, out_c)
        _need(mult.min() > -1 << 31 and shift.min() > -32 and shift.max() < 31, "table")
        matrices = self._nested() if h["encoding"] else self._dense()
        for level, (w, t) in enumerate(zip(matrices, self.table, strict=False)):
            whole = not h["encoding"] and not h["four_bit_levels"]
            self._check(self.stored if whole else w, self.bias[t], shift[t])
            if h["encoding"] == _VECTORS:
                self._check(w, self.bias[t], self.folded[level], folded=True)
            self.levels.append(Level(w, self.bias[t], mult[t], shift[t]))

    def _section(self, name: str, dtype: str, rows: int, cols: int = 1) -> Array:
        """A section as an array, with its offset and the bytes before it checked."""
        start, end, size = -(-self.end // 4) * 4, self.end, len(self.blob)
        self.end = start + rows * cols * np.dtype(dtype).itemsize
        ok = self.h[name + "_offset"] == start and not any(self.blob[end:start])
        ok = ok and (self.end == size if name == "values" else self.end <= size)
        _need(ok, f"section of {name}, or bytes before it")
        return np.frombuffer(self.blob, dtype, rows * cols, start).reshape(rows, cols)

    def _check(self, w: Array, b: Array, values: Array, folded: bool = False) -> None:
        """Refuse sums that could overflow with shifts, or wrong folded biases."""
        hi, lo = 127 - self.h["input_zero_point"], 128 + self.h["input_zero_point"]
        for part in (slice(at, at + _STEP) for at in range(0, self.out_c, _STEP)):
            total, bias = w[part].sum(axis=1, dtype="i8"), b[part].astype(np.int64)
            if folded:
                wrong = bias - (lo - 128) * total - values[part]
                _need(not np.any(wrong & 0xFFFFFFFF), "folded biases")
                continue
            up = np.maximum(w[part], 0).sum(axis=1, dtype=np.int64)
            limit = 1 << (30 - np.maximum(values[part], 0).astype(np.int64))
            _need(np.all(bias + up * hi + (up - total) * lo < limit), "overflow")
            _need(np.all(bias - up * lo - (up - total) * hi > -limit), "overflow")

    def _dense(self) -> list[Array]:
        """Sections of dense; the weights by level."""
        h, n, kind, widths = self.h, self.h["levels"], self.h["op"], self.h["sets"] > 0
        size = n + h["segments"] * (1 + n) if widths else 0
        numbers = self._section("counts", "<u2", size).astype(np.int64).ravel()
        bits = h["four_bit_levels"]
        size = (n if widths or bits else h["tables"]) if h["flags"] & 4 else 0
        self.folded = self._section("indices", "<i4", size, self.out_c)
        if bits:
            return self._bits(bits)
        shape = (self.columns, self.out_c)[:: 1 if kind == 2 else -1]
        self.stored = self._section("values", "i1", *shape)
        self.stored = self.stored.T if kind == 2 else self.stored
        if not widths:
            for bias, row in zip(self.bias, self.folded, strict=False):
                self._check(self.stored, bias, row, folded=True)
            return [self.stored.T if kind == 2 else self.stored] * n
        outputs, segments = numbers[:n], numbers[n:].reshape(-1, 1 + n)
        starts, counts, before = segments[:, 0].tolist(), segments[:, 1:], 0
        in_c, sets, matrices = h["in_c"], h["sets"], []
        _need(h["act_min"] <= h["output_zero_point"] <= h["act_max"], "zero point")
        falls = np.any(np.diff(outputs) < 0) or np.any(np.diff(counts, axis=1) < 0)
        ok = outputs[0] >= 1 and outputs[-1] <= self.out_c and not falls
        ok = ok and (kind != 2 or not np.any(outputs % (self.out_c // in_c)))
        _need(ok, "outputs, or counts that fall")
        _need(in_c % sets == 0 if kind == 3 else sets == 1, "sets")
        for start, most in zip(starts, counts[:, -1].tolist(), strict=False):
            _need(before <= start < in_c // sets >= start + most, "segment")
            before = start + max(most, 1)
        _need(not starts if kind == 2 else np.any(counts[:, 0]), "input channels")
        for level, have in enumerate(outputs.tolist()):
            weights, last = self.stored.copy("K"), self.columns
            weights[have:] = 0
            if kind != 2:
                mask = np.zeros((sets, in_c // sets), np.int8)
                for start, count in zip(
                    starts, counts[:, level].tolist(), strict=False
                ):
                    mask[:, start : start + count] = 1
                weights *= np.tile(mask.ravel(), last // in_c)
                last = int(np.flatnonzero(mask)[-1]) + 1 if last == in_c else last
            matrices.append(weights.T if kind == 2 else weights)
            for row in self.folded[level : level + 1]:
                bias = self.bias[self.table[level]].copy()
                bias[have if kind == 2 else self.out_c :] = 0
                self._check(self.stored[:, :last], bias, row, folded=True)
        return matrices

    def _bits(self, fours: int) -> list[Array]:
        """The values of levels of bits; the weights by level."""
        n, count = self.h["levels"], self.out_c * self.columns
        planes = self._section("values", "u1", 1 + (fours < n), -(-count // 8) * 4)
        bytes_ = planes.reshape(len(planes), -1, 1, 4)
        parts = np.concatenate([bytes_ >> 4, bytes_ & 15], axis=2).astype(np.int16)
        parts = parts.reshape(len(planes), -1)
        _need(not np.any(parts[:, count:]), "bits behind the last weight")
        upper = np.where(parts[0] > 7, parts[0] - 16, parts[0])[:count]
        _need(np.all(upper > -8), "upper part of -8")
        kinds = [16 * upper, *(16 * upper + part[:count] - 8 for part in parts[1:])]
        shape = self.out_c, self.columns
        matrices = [kind.astype(np.int8).reshape(shape) for kind in kinds]
        matrices = matrices[:1] * fours + matrices[1:] * (n - fours)
        for w, t, row in zip(matrices, self.table, self.folded, strict=False):
            self._check(w, self.bias[t], row, folded=True)
        return matrices

    def _nested(self) -> list[Array]:
        """Sections of the encodings with entries; the weights by level."""
        h, enc, n, out_c = self.h, self.h["encoding"], self.h["levels"], self.out_c
        rows, cols, top = h["block_rows"], h["block_cols"], h["flags"] & 2
        groups, places, lists = -(-out_c // rows), self.columns // cols, enc == _LISTS
        per, full = _PER.get((enc, rows, cols), 1), out_c * self.columns
        own, each = 1 if h["flags"] & 1 else groups, n - bool(top or lists)
        counts = self._section("counts", f"<u{h['count_bytes']}", own, each)
        last = counts if per == 1 else counts[:, -1:]  # those that share records
        slots = int((last // per).sum(dtype="u8")) + int(np.count_nonzero(last % per))
        slots *= groups // own * per  # each is an entry, or fills up a record
        index_type = "<i4" if per > 1 else f"<u{h['index_bytes']}"
        size = slots if per == 1 else out_c * n if enc == _VECTORS else 0
        index = self._section("indices", index_type, size).ravel()
        blocks = _blocks_by_offset(h) if per > 1 else index
        some = 1 if enc == _OFFSETS and cols == 1 else per  # slots of an item
        axis = 2 if enc == _VECTORS else 3 if enc == _OFFSETS and cols == 2 else 1
        shape = (some, rows, cols), (rows, some, cols), (rows, cols, some)
        value_type, at = "<i2" if some < per else "i1", (some if per > 1 else 0,)
        item = np.dtype([("at", "<u2", at), ("value", value_type, shape[axis - 1])])
        size = 0 if lists else slots // some * item.itemsize
        fixed = groups * rows * self.columns if lists else full if top else 0
        raw = self._section("values", "u1", size + fixed).ravel()
        whole = raw[size:].view(np.int8) if fixed else np.zeros(full, np.int8)
        _need(not np.any(whole[full:]), "filling rows")
        items, weights = raw[:size].view(item), whole[:full].reshape(out_c, -1, cols)
        rings, named = np.full((groups, places, 1), 255, np.uint8), 0  # 255: no ring
        base, carry, step = 0, 0, _STEP // max(1, each)
        for first in range(0, groups, step):
            runs = counts[first : first + step] if own > 1 else counts
            runs = np.broadcast_to(runs, (min(step, groups - first), each)).astype("i8")
            if per > 1:
                filled = -(-runs[:, -1:] // per) * per
                runs = np.diff(runs, axis=1, prepend=0, append=filled)
            _need(not np.any(runs < 0), "counts fall")
            ends, total = np.cumsum(runs), int(runs.sum())
            for low in range(0, total, _STEP):
                high = min(low + _STEP, total)
                run = np.searchsorted(ends, np.arange(low, high), "right")
                group, ring = first + run // runs.shape[1], run % runs.shape[1]
                part = items[(base + low) // some : (base + high) // some]
                value = np.moveaxis(part["value"], axis, 1).reshape(-1, rows, cols)
                if per == 1:
                    steps = index[base + low : base + high].astype(np.int64)
                    sums, begin = np.cumsum(steps), (ends - runs.ravel())[run] - low
                    block = sums - (sums - steps)[np.maximum(begin, 0)]
                    block += np.where(begin < 0, carry, 0)
                    carry = int(block[-1])
                else:
                    offset, used = part["at"].ravel(), ring < each
                    rest = np.any(offset[~used]) or np.any(value[~used])
                    ok = value.min() >= -128 and value.max() <= 127 and not rest
                    _need(ok, "unused parts of records, or weights of 16 bits")
                    group, ring, value = group[used], ring[used], value[used]
                    block = blocks[offset[used]]
                _need(np.all((block >= 0) & (block < places)), "index or offset")
                has = np.ones(len(run), bool) if lists else value.any(axis=(1, 2))
                for line in range(0 if lists else rows):
                    row, new = group * rows + line, value[:, line]
                    ok, put = not np.any(new[row >= out_c]), has & (row < out_c)
                    if top:
                        ok = np.array_equal(weights[row, block], new)
                    else:
                        weights[row[put], block[put]] = new[put]
                    _need(ok, "filling rows or dense top")
                rings[group[has], block[has], 0] = ring[has]
                named += int(np.count_nonzero(has))
            base += total
        _need(np.count_nonzero(rings != 255) == named, "block named twice")
        rings[rings == 255] = n - 1
        self.folded, matrices = index.reshape(-1, out_c) if per > 1 else index, []
        for level in range(n):
            mask = np.repeat(rings <= level, min(rows, out_c), axis=0)[:out_c]
            matrices.append((weights * mask).reshape(out_c, self.columns))
        return matrices


def read_op(blob: bytes) -> Op:
    """Read one packed op, or raise RefusedError."""
    return Op((reader := _Reader(blob)).h, reader.levels)


def _file_op(model: schema.ModelT, op: schema.OperatorT) -> FileOp | None:
    """An operator's nested op, None if it is none."""
    code, graph = model.operatorCodes[op.opcodeIndex], model.subgraphs[0]
    name = (code.customCode or b"").decode("utf-8", "replace")
    if max(code.builtinCode, code.deprecatedBuiltinCode) != 32 or name not in _CODES:
        return None
    tensors = [graph.tensors[i] for i in (*op.inputs, *op.outputs)]
    shapes = [(*(() if t.shape is None else t.shape.tolist()),) for t in tensors]
    ok = [t.type for t in tensors] in ([9, 2, 3, 9], [9, 2, 3, 2, 9])
    _need(ok and code.version == 1 == len(model.subgraphs), "types or version")
    blob, *rest = (bytes(model.buffers[t.buffer].data) for t in tensors[2:-1])
    entry, n = (*struct.unpack("<i", rest[0]), shapes[1][0]) if rest else (None, 1)
    ok = shapes[1:-1] == [(n,), (len(blob),), (1,)][: len(rest) + 2]
    _need(ok and 0 <= (entry or 0) < n, "inputs 1 to 3")
    found = FileOp(name, entry, read_op(blob))
    h = found.op.fields
    _need(h["op"] == _CODES.index(name) + 1, "kind not the one of the custom code")
    for x, i in (("in", 0), ("out", -1)):
        sizes = (*shapes[0][:1], h[x + "_h"], h[x + "_w"], h[x + "_c"])
        same = np.prod(shapes[i]) == np.prod(sizes[1:])
        _need(same if h["op"] == 3 else shapes[i] == sizes, "shape of activations")
        zeros = tensors[i].quantization.zeroPoint.tolist()
        _need(zeros == [h[x + "put_zero_point"]], "zero point")
    return found


def read_file(tflite: bytes) -> list[FileOp]:
    """The nested ops of a .tflite in the operators' order, or RefusedError."""
    try:
        model = schema.ModelT.InitFromPackedBuf(tflite)
        ops = [_file_op(model, op) for op in model.subgraphs[0].operators or ()]
    except (TypeError, ValueError, AttributeError, IndexError, struct.error) as error:
        raise RefusedError(str(error)) from error
    return [op for op in ops if op is not None]
