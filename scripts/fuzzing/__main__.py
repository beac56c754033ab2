"""Fuzzes the C code and writes docs/results/fuzzing.md.

Legs take turns: each of the targets runs --slice seconds, until all have run --seconds.
Every leg is added to docs/results/fuzzing.json at once, so a call may be stopped.
"""

from __future__ import annotations

import argparse
import fcntl
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fuzzing import coverage, page
from fuzzing.build import build
from fuzzing.legs import add, read_results, run_leg, write_results
from fuzzing.targets import OUT, TARGETS, Target, digest_of_sources
from keras_nest.errors import NestError
from tflm_ops.fuzz.seeds import write_seeds

NAMES = [target.name for target in TARGETS]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/fuzz", description=__doc__)
    parser.add_argument(
        "--seconds", type=int, default=600, help="of each target; default: 600"
    )
    parser.add_argument(
        "--slice", type=int, default=60, help="seconds of a leg; default: 60"
    )
    parser.add_argument(
        "--only", nargs="+", choices=NAMES, metavar="TARGET", help=", ".join(NAMES)
    )
    parser.add_argument("--jobs", type=int, default=1, help="legs side by side")
    parser.add_argument(
        "--coverage", action="store_true", help="count the lines reached; no legs"
    )
    parser.add_argument(
        "--page", action="store_true", help="write the page of the JSON; nothing else"
    )
    return parser.parse_args()


def fuzz(targets: list[Target], seconds: int, slice_: int, jobs: int) -> None:
    """Runs all legs; raises NestError at the first finding."""
    sources = digest_of_sources()
    programs = build("sanitizers", targets)

    def leg(target: Target, length: int) -> tuple[Target, dict[str, float]]:
        return target, run_leg(target, programs[target.name], length)

    built = [target for target in targets if target.name in programs]
    for begun in range(0, seconds, slice_):
        length = min(slice_, seconds - begun)
        with ThreadPoolExecutor(jobs) as pool:
            for target, ran in pool.map(leg, built, [length] * len(built)):
                total = add(target.name, ran, sources)
                print(
                    f"{target.name}: {ran['executions']:,} executions in "
                    f"{ran['seconds']:.0f} s; {total['executions']:,} on this code",
                    flush=True,
                )
        page.write_page()


def count_lines() -> None:
    """Measures the coverage and puts it into the JSON."""
    found = coverage.measure()
    write_results(read_results() | {"coverage": found})
    print(f"{found['covered']:,} of {found['lines']:,} lines")


def main() -> None:
    options = arguments()
    if options.page:
        page.write_page()
        return
    OUT.mkdir(parents=True, exist_ok=True)
    with Path(OUT / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NestError(
                "Expected one scripts/fuzz at a time. Received: two"
            ) from None
        write_seeds(OUT / "seeds")
        if options.coverage:
            count_lines()
        else:
            wanted = [one for one in TARGETS if one.name in (options.only or NAMES)]
            fuzz(wanted, options.seconds, options.slice, options.jobs)
    page.write_page()


if __name__ == "__main__":
    try:
        main()
    except NestError as error:
        sys.exit(f"Error: {error}")
