"""The tslab kernel and ipykernel in turn: how long until the first result, and until that of one more cell.

And the cost of live progress during training. Arguments: the data set's folder and the number of rounds.
"""

import json
import logging
import statistics
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager

ROOT = Path(__file__).resolve().parents[2]
CELLS_PER_ROUND = 20
# Both kernels talk to this process alone; ipykernel warns that they do so unencrypted.
logging.disable(logging.WARNING)

KERNELS = {"ours": "tslab", "Python": "python3"}
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
        results = []

        def keep(message):
            if message["msg_type"] == "execute_result":
                results.append(message["content"]["data"]["text/plain"])
            if message["msg_type"] == "error":
                raise RuntimeError("\n".join(message["content"]["traceback"]))

        self.client.execute_interactive(code, output_hook=keep, timeout=600)
        return results[0] if results else None

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def measure(name):
    started = time.perf_counter()
    with kernel_of(name) as kernel:
        kernel.run("1 + 1")
        first = time.perf_counter() - started
        kernel.run("let x = 1" if name == "tslab" else "x = 1")
        cells = []
        for _ in range(CELLS_PER_ROUND):
            started = time.perf_counter()
            kernel.run("x + 1")
            cells.append(time.perf_counter() - started)
    return first, statistics.median(cells)


@contextmanager
def kernel_of(name):
    """A kernel that stops whatever happens."""
    kernel = Kernel(name)
    try:
        yield kernel
    finally:
        kernel.stop()


def live_progress_cost(dataset):
    with kernel_of("tslab") as kernel:
        return json.loads(kernel.run(LIVE_CELL % json.dumps(dataset)))


def main():
    dataset, rounds = sys.argv[1], int(sys.argv[2])
    times = {side: [] for side in KERNELS}
    for number in range(rounds):
        print(f"kernels, round {number + 1} of {rounds} …", flush=True)
        for side in KERNELS if number % 2 else reversed(KERNELS):
            times[side].append(measure(KERNELS[side]))
    print(f"\nMedians of {rounds} rounds in seconds; a ratio above 1 means that ours is faster.\n")
    print(f"{'':24}{'ours':>9}{'Python':>9}{'ratio':>9}")
    for i, what in enumerate(["start to first result", "one more cell"]):
        ours, python = (statistics.median(pair[i] for pair in times[side]) for side in KERNELS)
        print(f"{what:24}{ours:9.3f}{python:9.3f}{python / ours:9.2f}")
    live = live_progress_cost(dataset)
    percent = 100 * live["shown"] / live["seconds"]
    print(f"\nLive progress of training: {live['shown']:.2f} s of {live['seconds']:.1f} s, {percent:.1f} %\n")


main()
