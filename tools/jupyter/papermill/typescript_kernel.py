"""Says of what a kernel died, for papermill's engine."""

import os
import signal
import sys
import threading

import psutil
from jupyter_client.manager import AsyncKernelManager

GIGABYTE = 1e9
CAUSES = {
    signal.SIGKILL: "was killed (SIGKILL), as the system does when memory runs out",
    signal.SIGABRT: "aborted (SIGABRT); what it printed says why",
    signal.SIGSEGV: "crashed in native code (SIGSEGV)",
    signal.SIGBUS: "crashed in native code (SIGBUS), as on a full disk",
}


# How V8 begins its forty lines when it cannot go on.
LAST_WORDS = ("<--- Last few GCs", "FATAL ERROR")


class TypeScriptKernelManager(AsyncKernelManager):
    """Watches its kernel's memory, and keeps how it ended."""

    # nbclient lets go of the manager of a dead kernel before it raises its error.
    latest = None
    # Where to pass on what kernels print by themselves, such as TensorFlow's log. Default: standard error.
    output = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.gigabytes = 0
        self.fatal_error = ""
        type(self).latest = self

    async def start_kernel(self, **kwargs):
        reading, writing = os.pipe()
        threading.Thread(target=self.listen, args=[reading], daemon=True).start()
        try:
            await self._async_start_kernel(**kwargs, stderr=writing)
        finally:
            os.close(writing)

    def listen(self, pipe):
        """Passes on what the kernel's process prints by itself; of V8's last words only the error is kept."""
        dying = False
        with open(pipe, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                dying = dying or line.startswith(LAST_WORDS)
                if not dying:
                    (self.output or sys.stderr).write(line)
                elif line.startswith("FATAL ERROR"):
                    self.fatal_error = line.removeprefix("FATAL ERROR:").strip()

    async def _async_is_alive(self):
        alive = await super()._async_is_alive()
        if alive and self.has_kernel:
            try:
                self.gigabytes = psutil.Process(self.provisioner.pid).memory_info().rss / GIGABYTE
            except psutil.Error:
                pass
        return alive

    # nbclient asks this one each second.
    is_alive = _async_is_alive

    def cause_of_death(self):
        """How the kernel ended, and the memory that it had just before."""
        process = self.provisioner and self.provisioner.process
        code = process.returncode if process else None
        if self.fatal_error:
            how = f"ended by a fatal error of V8, {self.fatal_error}"
            if "heap" in self.fatal_error:
                how += ": NODE_OPTIONS=--max-old-space-size=8192 gives it 8 GB"
        elif code is None:
            how = "ended"
        elif code < 0:
            how = CAUSES.get(-code, f"was ended by signal {signal.Signals(-code).name}")
        else:
            how = f"ended by itself, with exit code {code}"
        total = psutil.virtual_memory().total / GIGABYTE
        # One that dies within a second was not measured.
        used = f"; it used {self.gigabytes:.1f} of {total:.0f} GB of memory" if self.gigabytes else ""
        return f"the kernel {how}{used}"
