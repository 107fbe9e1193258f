"""Runs cells in a kernel and prints what came back, as JSON: {"argv", "cwd", "cells", "pause", "interrupt_mode"} on standard input.

"pause" is how many seconds to wait after a cell that failed; "interrupt_mode" is that of the kernelspec.

A cell is a string of code, or one of
  {"file", "content"}           writes a file between two cells
  {"code", "interrupt": [s, …]} interrupts the cell that many seconds after its start
  {"code", "touch": file}       makes the file when the cell prints something
  {"together": [code, …]}       sends all at once, as "Run All" does
  {"complete" or "inspect": code, "at": position}
  {"info"}                      asks for kernel_info
  {"request", "content"}        sends any other request
  {"comm", "data"}              sends data to the comm that the kernel opened as the comm-th, and waits for an answer
"""

import json
import queue
import sys
import threading
import time
from pathlib import Path

from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec


def collector():
    result = {"stdout": "", "stderr": "", "result": None, "messages": [], "order": [], "error": None, "displays": [], "comms": []}

    def collect(message):
        kind, content = message["header"]["msg_type"], message["content"]
        result["messages"].append(kind)
        if kind not in ("stream", "status", "execute_input"):
            result["order"].append(kind)
        if kind == "stream":
            result[content["name"]] += content["text"]
            if result["order"] and result["order"][-1].startswith(content["name"]):
                result["order"][-1] += content["text"]
            else:
                result["order"].append(f"{content['name']}:{content['text']}")
        elif kind == "execute_result":
            result["result"] = content["data"]
        elif kind == "error":
            result["error"] = content
        elif kind in ("display_data", "update_display_data"):
            result["displays"].append(content)
        elif kind.startswith("comm_"):
            result["comms"].append({**content, "type": kind, "metadata": message["metadata"]})
            if kind == "comm_open":
                opened.append(content["comm_id"])

    return result, collect


def execute(code, interrupts=(), touch=None):
    result, collect = collector()

    def hook(message):
        collect(message)
        if touch and result["stdout"]:
            Path(touch).touch()

    for seconds in interrupts:
        threading.Timer(seconds, manager.interrupt_kernel).start()
    started = time.monotonic()
    reply = client.execute_interactive(code, output_hook=hook, timeout=120, stop_on_error=True)
    if reply["content"]["status"] == "error":
        time.sleep(job["pause"])
    return {**result, "reply": reply["content"], "seconds": time.monotonic() - started}


def together(codes):
    ids = [client.execute(code) for code in codes]
    replies = {}
    while len(replies) < len(ids):
        reply = client.get_shell_msg(timeout=60)
        if reply["msg_type"] == "execute_reply":
            replies[reply["parent_header"]["msg_id"]] = reply["content"]["status"]
    return {"statuses": [replies[id] for id in ids]}


def ask(kind, *arguments):
    getattr(client, kind)(*arguments)
    return {"reply": client.get_shell_msg(timeout=60)["content"]}


def request(kind, content):
    client.shell_channel.send(client.session.msg(kind, content))
    return {"reply": client.get_shell_msg(timeout=60)["content"]}


def send_to_comm(index, data):
    result, collect = collector()
    content = {"comm_id": opened[index], "data": data}
    client.shell_channel.send(client.session.msg("comm_msg", content))
    try:
        while True:
            collect(client.get_iopub_msg(timeout=1.5))
    except queue.Empty:
        return result


def run(cell):
    if isinstance(cell, str):
        return execute(cell)
    if "file" in cell:
        Path(cell["file"]).write_text(cell["content"])
        return time.sleep(0.6)  # the compiler's file watcher polls
    if "code" in cell:
        return execute(cell["code"], cell.get("interrupt", ()), cell.get("touch"))
    if "together" in cell:
        return together(cell["together"])
    if "comm" in cell:
        return send_to_comm(cell["comm"], cell["data"])
    if "request" in cell:
        return request(cell["request"], cell["content"])
    if "info" in cell:
        return ask("kernel_info")
    kind = "complete" if "complete" in cell else "inspect"
    return ask(kind, cell[kind], cell["at"])


job = json.load(sys.stdin)
manager = KernelManager()
manager._kernel_spec = KernelSpec(
    argv=job["argv"], display_name="test", language="typescript", interrupt_mode=job["interrupt_mode"]
)
# What the kernel's process prints by itself is not an answer.
manager.start_kernel(cwd=job["cwd"], stdout=sys.stderr, stderr=sys.stderr)
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)

opened = []
try:
    results = [result for result in map(run, job["cells"]) if result]
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
json.dump(results, sys.stdout)
