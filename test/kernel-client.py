"""Runs cells in a kernel and prints what came back, as JSON: {"argv", "cwd", "cells"} on standard input.

A cell is a string of code, or {"file", "content"} to write a file between two cells.
"""

import json
import sys
import time
from pathlib import Path

from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec

job = json.load(sys.stdin)
manager = KernelManager()
manager._kernel_spec = KernelSpec(argv=job["argv"], display_name="test", language="typescript")
# What the kernel's process prints by itself is not an answer.
manager.start_kernel(cwd=job["cwd"], stdout=sys.stderr, stderr=sys.stderr)
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)

results = []
for cell in job["cells"]:
    if isinstance(cell, dict):
        Path(cell["file"]).write_text(cell["content"])
        time.sleep(0.6)  # the compiler's file watcher polls
        continue
    result = {"stdout": "", "stderr": "", "messages": [], "error": None, "displays": []}

    def on_output(message):
        kind, content = message["header"]["msg_type"], message["content"]
        result["messages"].append(kind)
        if kind == "stream":
            result[content["name"]] += content["text"]
        elif kind == "error":
            result["error"] = content
        elif kind in ("display_data", "update_display_data"):
            result["displays"].append(content)

    reply = client.execute_interactive(cell, output_hook=on_output, timeout=120, stop_on_error=False)
    result["reply"] = {k: v for k, v in reply["content"].items() if k != "payload"}
    results.append(result)
    if reply["content"]["status"] == "error":
        time.sleep(0.3)  # the kernel drops what arrives within 200 ms after an error

client.stop_channels()
manager.shutdown_kernel(now=True)
json.dump(results, sys.stdout)
