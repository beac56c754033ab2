"""Kills what writes files at random times, and looks at what is left.

    python -m tests.cli.kill_at_random MODEL.keras SAMPLES.npy MODEL.tflite FOLDER KILLS

Everything is loaded once; each attempt is a fork, which SIGKILL ends somewhere between
its first and its last instruction. A file or folder must then be what was there before,
or the new one whole: writers are deterministic, so it is compared byte by byte. Prints
how many attempts left the old, nothing and the new.
"""

from __future__ import annotations

import collections
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

OLD = b"what was there before"


def state(path: Path) -> bytes | None:
    """The content of a file, or of all files of a folder; None where nothing is."""
    if path.is_dir():
        inside = sorted(p for p in path.rglob("*") if p.is_file())
        named = [str(p.relative_to(path)).encode() + p.read_bytes() for p in inside]
        return b"".join(named)
    return path.read_bytes() if path.exists() else None


def forked(action: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        try:
            action()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return child


def attempts(
    write: Callable[[Path], object], before: Callable[[Path], object], folder: Path
) -> collections.Counter[str]:
    """Writes once in peace, then kills as often as asked."""
    path = folder / "new"
    began = time.perf_counter()
    _, status = os.waitpid(forked(lambda: write(path)), 0)
    seconds = time.perf_counter() - began
    assert status == 0, "the writer fails when left alone"
    whole = state(path)
    rng = random.Random(1)
    found: collections.Counter[str] = collections.Counter()
    for attempt in range(KILLS):
        place = folder / f"kill_{attempt}"
        place.mkdir()
        path = place / "new"
        before(path)
        old = state(path)
        child = forked(lambda path=path: write(path))  # type: ignore[misc]
        # The last fifth is where files are written.
        late = attempt % 2
        time.sleep(rng.uniform(0.8 * seconds if late else 0, 1.05 * seconds))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        left = state(path)
        kind = {whole: "new", old: "old", None: "nothing"}.get(left, "PART")
        found[kind] += 1
        visible = [p.name for p in place.iterdir() if not p.name.startswith(".")]
        assert visible in ([], ["new"]), visible
    return found


def main() -> None:
    from keras_nest import convert
    from keras_nest.evaluation import save_scores
    from keras_nest.export.firmware import export_firmware
    from keras_nest.files import read_arrays, write_atomic
    from keras_nest.loading import load_keras_model

    model = load_keras_model(str(keras_file), ())
    (x,) = read_arrays(samples).values()
    tflite = Path(tflite_file).read_bytes()
    scores = {"metric": "accuracy", "levels": [0.1, 0.2, 0.3], "kind": "int8"}

    def nothing(path: Path) -> None:
        """Leaves the place empty."""

    writers: dict[str, tuple[Callable[[Path], object], Callable[[Path], object]]] = {
        "convert": (
            lambda path: convert(model, x).save(path),
            lambda path: path.write_bytes(OLD),
        ),
        "export": (
            lambda path: export_firmware(tflite, path, format="cmake"),
            nothing,
        ),
        "evaluate --save": (
            lambda path: save_scores(str(path), scores, len(x)),
            lambda path: path.write_bytes(tflite),
        ),
        "a large file": (lambda path: write_atomic(path, bytes(1 << 24)), nothing),
    }
    for name, (write, before) in writers.items():
        place = folder / name
        place.mkdir()
        if name == "evaluate --save":
            before(place / "new")
        found = attempts(write, before, place)
        print(f"{name}:", ", ".join(f"{n} {kind}" for kind, n in sorted(found.items())))
        assert not found["PART"]


if __name__ == "__main__":
    keras_file, samples, tflite_file, folder = map(Path, sys.argv[1:5])
    KILLS = int(sys.argv[5])
    main()
