"""All mutants of a C file, from its tokens."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from mutation.mutant import Mutant

_TOKEN = re.compile(
    r"""(?P<skip>//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'
        |^[ \t]*\#(?:\\\n|[^\n])*)
    |(?P<number>\b(?:0[xX][0-9a-fA-F]+|\d+)(?P<suffix>[uUlL]*)\b)
    |(?P<word>[A-Za-z_]\w*)
    |(?P<op><<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%&|^!~<>=])
    |(?P<other>[^\s])""",
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_BINARY = {
    "<": ["<=", ">="],
    "<=": ["<", ">"],
    ">": [">=", "<="],
    ">=": [">", "<"],
    "==": ["!="],
    "!=": ["=="],
    "&&": ["||"],
    "||": ["&&"],
    "+": ["-"],
    "-": ["+"],
    "*": ["+"],
    "/": ["*"],
    "%": ["/"],
    "<<": [">>"],
    ">>": ["<<"],
    "&": ["|"],
    "|": ["&"],
    "^": ["&"],
    "+=": ["-="],
    "-=": ["+="],
    "*=": ["+="],
    "|=": ["&="],
    "&=": ["|="],
    "<<=": [">>="],
    ">>=": ["<<="],
}
_TYPES = {"int", "char", "void", "const", "return", "sizeof", "case"}
_IF = re.compile(r"\bif \(")
# A call or an assignment on a line of its own: no declaration.
_STATEMENT = re.compile(
    r"^[ \t]+(?P<all>(?:\*?[\w.\[\]>+-]+ (?:[-+*/|&^]|<<|>>)?= [^;]*|\w+\([^;]*\)"
    r"|continue|break|(?:\+\+|--)?\w+(?:\+\+|--)?);)$",
    re.MULTILINE,
)


def c_mutants(path: str, source: str, alive: Container[int]) -> list[Mutant]:
    """The mutants of the file `path` with this text.

    Comments, strings and what the preprocessor reads stay.

    Args:
        path: Path in the repository.
        source: Text of the file.
        alive: The lines that are compiled on this machine.
    """
    found = []
    for start, end, after in [
        *_of_tokens(source),
        *_of_conditions(source),
        *_of_statements(source),
    ]:
        line = source.count("\n", 0, start) + 1
        if line in alive:
            found.append(Mutant(path, line, start, end, source[start:end], after))
    return found


def _of_tokens(source: str) -> Iterator[tuple[int, int, str]]:
    last = ""  # the token before, which tells a * b from *b
    for match in _TOKEN.finditer(source):
        kind, text = match.lastgroup, match.group()
        if match.group("skip"):
            continue
        start, end = match.span()
        if match.group("number"):
            digits = text.removesuffix(match.group("suffix"))
            value = int(digits, 0)
            suffix = match.group("suffix")
            yield start, end, f"{value + 1}{suffix}"
            if value == 1:
                yield start, end, f"0{suffix}"
        elif kind == "op" and _is_value(last):
            for other in _BINARY.get(text, []):
                yield start, end, other
        elif text in ("-", "!", "~") and kind == "op":
            yield start, end, " "
        last = text


def _is_value(token: str) -> bool:
    """Whether an operand ends with this token."""
    if token in _TYPES or token.endswith("_t") or token.startswith("nest_"):
        return False
    return bool(token) and (token[-1].isalnum() or token[-1] in "_)]")


def _of_conditions(source: str) -> Iterator[tuple[int, int, str]]:
    for match in _IF.finditer(source):
        start = at = match.end()
        depth = 1
        while depth:
            depth += {"(": 1, ")": -1}.get(source[at], 0)
            at += 1
        yield start, at - 1, f"!({source[start : at - 1]})"


def _of_statements(source: str) -> Iterator[tuple[int, int, str]]:
    for match in _STATEMENT.finditer(source):
        text = match.group("all")
        yield match.start("all"), match.end("all"), ";" + "\n" * text.count("\n")
