"""The call graph of compiled C with the stack of each function.

GCC writes both with `-fcallgraph-info=su`, a .ci file beside each object. It knows
nothing of naked functions, which are all assembly: what these push is counted in their
disassembly. Whom a pointer may reach is told by the reader's caller.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

FLAG = "-fcallgraph-info=su"
_INDIRECT = "__indirect_call"
_NODE = re.compile(r'node: \{ title: "([^"]+)" label: "[^"]+\\n(\d+) bytes \(([^)]+)\)')
_EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"')
_ADDRESS = re.compile(r"R_ARM_(?:ABS32|MOVW_ABS_NC|THM_MOVW_ABS_NC)\s+([\w.]+)")
_FUNCTION = re.compile(r"^[0-9a-f]+ <(\w+)>:$")
_PUSH = re.compile(r"\b(v?push|stmdb|sub|str\w*)(?:\.w)?\s+(.*)")


@dataclasses.dataclass(frozen=True)
class CallGraph:
    """Functions of some objects; a static one is "file:name", as GCC has it.

    Attributes:
        frames: Bytes of stack of each.
        kinds: Of each: "static", or how GCC knows its frame less well.
        calls: What each calls, in these objects or not.
        pointing: File of each function with a call through a pointer.
        pointed: Names of functions whose address is taken, without file.
    """

    frames: dict[str, int]
    kinds: dict[str, str]
    calls: dict[str, set[str]]
    pointing: dict[str, str]
    pointed: set[str]

    def external(self) -> set[str]:
        """What is called and not defined: the C library's."""
        return set().union(*self.calls.values()) - self.frames.keys()

    def resolve(self, pointers: Mapping[str, set[str]]) -> CallGraph:
        """The graph with calls through pointers as ordinary ones.

        Args:
            pointers: By file without ending, the names of whom its pointers reach.
        """
        calls = {name: set(called) for name, called in self.calls.items()}
        for name, file in self.pointing.items():
            reached = pointers[file]
            calls.setdefault(name, set()).update(
                full for full in self.frames if _plain(full) in reached
            )
        return dataclasses.replace(self, calls=calls, pointing={})

    def depth(self, entry: str) -> int:
        """The most bytes of stack that a call of this function takes.

        Without what the C library's functions take.

        Raises:
            RecursionError: If there is a cycle; the message has it.
        """
        return self._depth(entry, (), {})

    def _depth(self, name: str, path: tuple[str, ...], known: dict[str, int]) -> int:
        if name in path:
            raise RecursionError(" -> ".join([*path, name]))
        if name not in known:
            called = sorted(self.calls.get(name, ()))
            below = [self._depth(to, (*path, name), known) for to in called]
            known[name] = self.frames.get(name, 0) + max(below, default=0)
        return known[name]


def read(folder: Path, relocations: str, disassembly: str) -> CallGraph:
    """What GCC left in a folder.

    Args:
        folder: Has the .ci files.
        relocations: What objdump -r prints of the objects.
        disassembly: What objdump -d --no-show-raw-insn prints of them.
    """
    frames: dict[str, int] = {}
    kinds: dict[str, str] = {}
    calls: dict[str, set[str]] = {}
    pointing: dict[str, str] = {}
    pushed = _pushed(disassembly)
    for path in sorted(folder.glob("*.ci")):
        text = path.read_text()
        for name, frame, kind in _NODE.findall(text):
            frames[name] = int(frame) or pushed.get(_plain(name), 0)
            kinds[name] = kind
        for source, target in _EDGE.findall(text):
            if target == _INDIRECT:
                pointing[source] = path.stem
            else:
                calls.setdefault(source, set()).add(target)
    # A local function is named by the section that -ffunction-sections gives it.
    taken = {name.removeprefix(".text.") for name in _ADDRESS.findall(relocations)}
    return CallGraph(frames, kinds, calls, pointing, taken & set(map(_plain, frames)))


def _plain(name: str) -> str:
    """Without the file that GCC puts before a static function."""
    return name.rsplit(":", 1)[-1]


def _pushed(disassembly: str) -> dict[str, int]:
    """Bytes that the instructions of each function take from the stack, all in all."""
    found: dict[str, int] = {}
    name = ""
    for line in disassembly.splitlines():
        function = _FUNCTION.match(line)
        if function:
            name, before = function[1], found.get(function[1], 0)
            found[name] = 0
        elif instruction := _PUSH.search(line):
            found[name] = found[name] + _bytes_of(instruction[1], instruction[2])
            found[name] = max(found[name], before)
    return found


def _bytes_of(mnemonic: str, operands: str) -> int:
    if mnemonic in ("push", "vpush"):
        return _registers(operands) * (8 if operands.startswith("{d") else 4)
    if mnemonic == "stmdb":
        return _registers(operands) * 4 if operands.startswith("sp!") else 0
    if mnemonic == "sub":
        amount = re.fullmatch(r"sp, (?:sp, )?#(\d+).*", operands)
        return int(amount[1]) if amount else 0
    before = re.search(r"\[sp, #-(\d+)\]!", operands)
    return int(before[1]) if before else 0


def _registers(operands: str) -> int:
    """How many a list such as {r4, r6-r8, lr} names."""
    count = 0
    for part in operands[operands.index("{") + 1 : operands.index("}")].split(","):
        first, _, last = part.strip().partition("-")
        count += int(last[1:]) - int(first[1:]) + 1 if last else 1
    return count
