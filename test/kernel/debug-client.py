"""Debugs a kernel: executes one command for each line of JSON on standard input, and prints what the kernel sends, one line each.

Commands: {"execute": code}, {"debug": command, "arguments"}, {"interrupt"}, {"shutdown"} and {"info"}; the first line is {"argv", "cwd"}.
Lines: {"pid"} when the kernel is ready, {"iopub": type, "content", "parent": type}, {"reply": type, "content"} and {"ended"}.
"""

import json
import queue
import sys
import threading

from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec

writing = threading.Lock()


def write(line):
    with writing:
        print(json.dumps(line), flush=True)


def forward(channel, make):
    """Prints the messages of a channel."""
    while True:
        try:
            write(make(channel.get_msg(timeout=0.5)))
        except queue.Empty:
            if done.is_set():
                return


def published(message):
    parent = message["parent_header"].get("msg_type")
    return {"iopub": message["msg_type"], "content": message["content"], "parent": parent}


def replied(message):
    return {"reply": message["msg_type"], "content": message["content"]}


def report_end():
    write({"ended": manager.provisioner.process.wait()})


def debug(seq, command, arguments):
    content = {"type": "request", "seq": seq, "command": command, "arguments": arguments}
    client.control_channel.send(client.session.msg("debug_request", content))


def run(seq, line):
    if "execute" in line:
        client.execute(line["execute"])
    elif "debug" in line:
        debug(seq, line["debug"], line.get("arguments", {}))
    elif "interrupt" in line:
        manager.interrupt_kernel()
    elif "shutdown" in line:
        client.shutdown()
    elif "info" in line:
        client.kernel_info()


job = json.loads(sys.stdin.readline())
manager = KernelManager()
manager._kernel_spec = KernelSpec(argv=job["argv"], display_name="test", language="typescript", interrupt_mode="message")
manager.start_kernel(cwd=job["cwd"], stdout=sys.stderr, stderr=sys.stderr)
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)
done = threading.Event()
channels = [(client.iopub_channel, published), (client.shell_channel, replied), (client.control_channel, replied)]
threads = [threading.Thread(target=forward, args=each) for each in channels]
try:
    for thread in threads:
        thread.start()
    write({"pid": manager.provisioner.pid})
    threading.Thread(target=report_end, daemon=True).start()
    for seq, line in enumerate(sys.stdin, start=1):
        run(seq, json.loads(line))
finally:
    done.set()
    for thread in threads:
        thread.join()
    client.stop_channels()
    manager.shutdown_kernel(now=True)
