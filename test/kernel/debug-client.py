"""Debugs a kernel: executes one command for each line of JSON on standard input, and prints what the kernel sends, one line each.

Commands: {"execute": code}, {"debug": command, "arguments"}, {"interrupt"}, {"shutdown"} and {"info"}; the first line is {"argv", "cwd"}.
Lines: {"pid"} when the kernel is ready, {"iopub": type, "content", "parent": type}, {"reply": type, "content"} and {"ended"}.
"""

import json
import os
import sys

import zmq
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec


def write(line):
    print(json.dumps(line), flush=True)


def published(message):
    parent = message["parent_header"].get("msg_type")
    write({"iopub": message["msg_type"], "content": message["content"], "parent": parent})


def replied(message):
    write({"reply": message["msg_type"], "content": message["content"]})


def run(seq, line):
    if "execute" in line:
        client.execute(line["execute"])
    elif "debug" in line:
        content = {"type": "request", "seq": seq, "command": line["debug"], "arguments": line.get("arguments", {})}
        client.control_channel.send(client.session.msg("debug_request", content))
    elif "interrupt" in line:
        manager.interrupt_kernel()
    elif "shutdown" in line:
        client.shutdown()
    elif "info" in line:
        client.kernel_info()


def serve():
    """Sends and receives in turn: a socket belongs to one thread."""
    channels = {client.iopub_channel: published, client.shell_channel: replied, client.control_channel: replied}
    sockets = {channel.socket: (channel, handle) for channel, handle in channels.items()}
    poller = zmq.Poller()
    for socket in sockets:
        poller.register(socket, zmq.POLLIN)
    poller.register(0, zmq.POLLIN)
    seq, rest, has_ended = 0, b"", False
    while True:
        for socket, _ in poller.poll(200):
            if socket == 0:
                chunk = os.read(0, 65536)
                if not chunk:
                    return
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    seq += 1
                    run(seq, json.loads(line))
            else:
                channel, handle = sockets[socket]
                handle(channel.get_msg(timeout=0))
        status = manager.provisioner.process.poll()
        if status is not None and not has_ended:
            has_ended = True
            write({"ended": status})


def first_line():
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(0, 1)
    return json.loads(line)


job = first_line()
manager = KernelManager()
manager._kernel_spec = KernelSpec(argv=job["argv"], display_name="test", language="typescript", interrupt_mode="message")
manager.start_kernel(cwd=job["cwd"], stdout=sys.stderr, stderr=sys.stderr)
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)
try:
    write({"pid": manager.provisioner.pid})
    serve()
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
