"""Starts a kernel that runs one cell for ever, prints the process id of the kernel as JSON, and waits to be killed.

Argument: {"argv", "cwd", "code", "independent"} as JSON; an independent kernel is to outlive its client.
"""

import json
import sys
import time

from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec

job = json.loads(sys.argv[1])
manager = KernelManager()
manager._kernel_spec = KernelSpec(argv=job["argv"], display_name="test", language="typescript")
manager.start_kernel(cwd=job["cwd"], independent=job["independent"], stdout=sys.stderr, stderr=sys.stderr)
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)
client.execute(job["code"])
print(json.dumps({"pid": manager.provisioner.pid}), flush=True)
time.sleep(600)
