"""All mutants of a Python file, from its syntax tree."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import Any

from mutation.mutant import Mutant

_COMPARE: dict[type, list[type]] = {
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
}
_BINARY: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
    ast.MatMult: ast.Mult,
}
_NAMES = {
    "min": "max",
    "max": "min",
    "minimum": "maximum",
    "maximum": "minimum",
    "any": "all",
    "all": "any",
    "argmin": "argmax",
    "argmax": "argmin",
    "rint": "floor",
    "floor": "rint",
    "zeros": "ones",
    "ones": "zeros",
}


def python_mutants(path: str, source: str) -> list[Mutant]:
    """The mutants of the file `path` with this text.

    Strings, annotations, imports and the text of errors stay: what a message says is
    no behaviour that a kernel relies on.
    """
    lines = source.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def place(line: int, column: int) -> int:
        # Columns are in UTF-8 bytes.
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    found = []
    for node, after in _changes(ast.parse(source)):
        start = place(node.lineno, node.col_offset)
        end = place(node.end_lineno, node.end_col_offset)
        found.append(Mutant(path, node.lineno, start, end, source[start:end], after))
    return found


def _changes(tree: ast.AST) -> Iterator[tuple[Any, str]]:
    """Nodes with the text that takes their place."""
    for node in _walk(tree):
        if isinstance(node, ast.stmt):
            yield from _of_statement(node)
        else:
            for changed in _of_expression(node):
                yield node, f"({ast.unparse(changed)})"


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        if isinstance(node, ast.Raise) or name == "msg":
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, _SKIPPED):
                yield from _walk(child)


_SKIPPED = (ast.JoinedStr, ast.Import, ast.ImportFrom, ast.arguments, ast.expr_context)


def _of_statement(node: ast.stmt) -> Iterator[tuple[ast.stmt, str]]:
    call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    places = ast.Subscript | ast.Attribute
    stored = isinstance(node, ast.Assign) and isinstance(node.targets[0], places)
    if call or stored or isinstance(node, ast.Raise | ast.AugAssign):
        yield node, "pass"
    elif isinstance(node, ast.Continue):
        yield node, "break"
    elif isinstance(node, ast.Break):
        yield node, "continue"


def _of_expression(node: Any) -> Iterator[ast.AST]:
    match node:
        case ast.Compare():
            for i, op in enumerate(node.ops):
                for other in _COMPARE[type(op)]:
                    changed = copy.deepcopy(node)
                    changed.ops[i] = other()
                    yield changed
        case ast.BinOp() if type(node.op) in _BINARY and not _is_type(node):
            yield ast.BinOp(node.left, _BINARY[type(node.op)](), node.right)
        case ast.BoolOp():
            other = ast.Or if isinstance(node.op, ast.And) else ast.And
            yield ast.BoolOp(other(), node.values)
        case ast.UnaryOp():
            yield node.operand
        case ast.IfExp():
            yield ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int()):
            yield ast.Constant(node.value + 1)
        case ast.Constant(value=float()):
            yield ast.Constant(node.value * 2 + 1)
        case ast.Call(func=ast.Name(id=name)) if name in _NAMES:
            yield ast.Call(ast.Name(_NAMES[name]), node.args, node.keywords)
        case ast.Call(func=ast.Attribute(attr=name)) if name in _NAMES:
            func = ast.Attribute(node.func.value, _NAMES[name])
            yield ast.Call(func, node.args, node.keywords)


def _is_type(node: ast.BinOp) -> bool:
    """Whether it is a union of types, as in isinstance(x, A | B)."""
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name | ast.Attribute)]
    words = [n.id if isinstance(n, ast.Name) else n.attr for n in names]
    return isinstance(node.op, ast.BitOr) and all(word[0].isupper() for word in words)
