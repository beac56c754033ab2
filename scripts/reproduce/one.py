"""The process of one run; `queue` starts it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from reproduce.execute import execute
from reproduce.runs import Run

if __name__ == "__main__":
    request, cache, checkpoints, results, command = sys.argv[1:]
    execute(
        Run.of(json.loads(request)),
        Path(cache),
        Path(checkpoints),
        Path(results),
        command,
    )
