"""The tslab kernel and ipykernel in turn: the start, cells, imports, much output and memory.

And the cost of live progress during training. Arguments: the data set's folder, the number of rounds, and the Python
that has Keras.
"""

import json
import logging
import statistics
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager

ROOT = Path(__file__).resolve().parents[2]
CELLS_PER_ROUND = 20
LINES = 200_000
# Both kernels talk to this process alone; ipykernel warns that they do so unencrypted.
logging.disable(logging.WARNING)

KERNELS = {"ours": "tslab", "Python": "python3"}
DECLARE = {"ours": "let x = 1", "Python": "x = 1"}
PRINT = {
    "ours": f'for (let i = 0; i < {LINES}; i++) console.log("line", i)',
    "Python": f'for i in range({LINES}): print("line", i)',
}
# What a notebook's first cell does: each loads TensorFlow.
IMPORT = {"ours": 'import { cnn } from "../src/cnn"', "Python": "import keras"}
LIVE_CELL = """
import { liveProgress } from "../src/display";
import { DEFAULT_PARAMETERS, trainPipeline } from "../src/pipeline";
let shown = 0;
const live = liveProgress();
const { history } = await trainPipeline(%s, { ...DEFAULT_PARAMETERS, epochs: 1 }, {
  onProgress(progress) {
    const started = performance.now();
    live(progress);
    shown += performance.now() - started;
  },
});
JSON.stringify({ shown: shown / 1000, seconds: history.seconds })
"""


class Kernel:
    def __init__(self, name):
        self.manager = KernelManager(kernel_name=name, kernel_spec_manager=KernelSpecManager())
        # What a kernel sends on its own is not measured.
        self.manager.start_kernel(cwd=str(ROOT / "notebooks"), stdout=sys.stderr, stderr=sys.stderr)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code):
        """Returns the cell's result, or else what it printed, when all of it has arrived."""
        results, printed = [], []

        def keep(message):
            content = message["content"]
            if message["msg_type"] == "execute_result":
                results.append(content["data"]["text/plain"])
            if message["msg_type"] == "stream":
                printed.append(content["text"])
            if message["msg_type"] == "error":
                raise RuntimeError("\n".join(content["traceback"]))

        self.client.execute_interactive(code, output_hook=keep, timeout=600)
        return results[0] if results else "".join(printed)

    def seconds(self, code):
        started = time.perf_counter()
        self.run(code)
        return time.perf_counter() - started

    def megabytes(self):
        return psutil.Process(self.manager.provisioner.pid).memory_info().rss / 2**20

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@contextmanager
def kernel_of(name):
    """A kernel that stops whatever happens."""
    kernel = Kernel(name)
    try:
        yield kernel
    finally:
        kernel.stop()


def measure(side, keras):
    """Returns the rows of a round, in seconds except for memory."""
    rows = {}
    started = time.perf_counter()
    with kernel_of(KERNELS[side]) as kernel:
        kernel.run("1 + 1")
        rows["start to first result"] = time.perf_counter() - started
        rows["memory after the first cell, in MB"] = kernel.megabytes()
        kernel.run(DECLARE[side])
        rows["one more cell"] = statistics.median(kernel.seconds("x + 1") for _ in range(CELLS_PER_ROUND))
        started = time.perf_counter()
        lines = kernel.run(PRINT[side]).count("\n")
        rows["200,000 lines of output"] = time.perf_counter() - started
        if lines != LINES:
            raise RuntimeError(f"{side}: {lines} lines of {LINES} arrived")
        if side == "Python":
            kernel.run(f"import sys; sys.path.append({keras!r})")
        rows["import of networks"] = kernel.seconds(IMPORT[side])
        rows["the same import again"] = kernel.seconds(IMPORT[side])
    return rows


def report(rounds):
    """Prints medians, their ratio, and the least and greatest ratio of a round."""
    print(f"\nMedians of {len(rounds)} rounds, in seconds except for memory;", end=" ")
    print("a ratio above 1 means that ours is faster, or smaller.\n")
    print(f"{'':36}{'ours':>9}{'Python':>9}{'ratio':>9}   of a round")
    for row in rounds[0]["ours"]:
        ours, python = (statistics.median(times[side][row] for times in rounds) for side in KERNELS)
        ratios = [times["Python"][row] / times["ours"][row] for times in rounds]
        digits = 0 if row.endswith("MB") else 3
        spread = f"{min(ratios):.2f}–{max(ratios):.2f}"
        print(f"{row:36}{ours:9.{digits}f}{python:9.{digits}f}{python / ours:9.2f}   {spread}")


def live_progress_cost(dataset):
    with kernel_of("tslab") as kernel:
        return json.loads(kernel.run(LIVE_CELL % json.dumps(dataset)))


def main():
    dataset, rounds = sys.argv[1], int(sys.argv[2])
    # ipykernel is elsewhere.
    [keras] = map(str, Path(sys.argv[3]).parents[1].glob("lib/python*/site-packages"))
    results = []
    for number in range(rounds):
        print(f"kernels, round {number + 1} of {rounds} …", flush=True)
        sides = KERNELS if number % 2 else reversed(KERNELS)
        results.append({side: measure(side, keras) for side in sides})
    report(results)
    live = live_progress_cost(dataset)
    percent = 100 * live["shown"] / live["seconds"]
    print(f"\nLive progress of training: {live['shown']:.2f} s of {live['seconds']:.1f} s, {percent:.1f} %\n")


main()
