"""Pillow's checks for corrupt images, one step for each line on standard input; answers with milliseconds as JSON."""

import json
import multiprocessing
import sys
import time
from pathlib import Path

from PIL import Image


def verify(path):
    """The pipeline's check, which reads the header only."""
    try:
        with Image.open(path) as image:
            image.verify()
    except Exception:
        return path


def load(path):
    """As strict as cleanTheData."""
    try:
        with Image.open(path) as image:
            image.load()
    except Exception:
        return path


def run(pool, step):
    paths = (path for path in Path(sys.argv[1]).rglob("*") if path.is_file())
    if step == "headers only":
        return list(map(verify, paths))
    if step == "full decode, one process":
        return list(map(load, paths))
    check = verify if step == "container only, all cores" else load
    return list(pool.imap_unordered(check, paths, chunksize=32))


if __name__ == "__main__":
    with multiprocessing.Pool() as pool:
        for line in sys.stdin:
            started = time.perf_counter()
            run(pool, line.strip())
            print(json.dumps({"ms": 1000 * (time.perf_counter() - started)}), flush=True)
