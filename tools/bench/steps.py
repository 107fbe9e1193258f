"""The protocol of the Python side: a step for each line on standard input, answered with milliseconds as JSON."""

import json
import sys
import time


def timed(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def answer(steps):
    for line in sys.stdin:
        print(json.dumps({"ms": 1000 * timed(steps[line.strip()])}), flush=True)
