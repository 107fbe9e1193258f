"""Runs notebooks on the tslab kernel and exports them as HTML; the job comes as JSON on standard input.

{"notebooks": [{"position", "name", "title", "source", "parameters"}], "reports": folder, "noInput": bool, "quiet": bool,
"unfinished": file that gets a line for each notebook that is done}
"""

import errno
import json
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import nbformat
import papermill
import psutil
from nbconvert import HTMLExporter
from papermill.exceptions import PapermillExecutionError
from papermill.iorw import papermill_io
from progress import Progress
from traitlets.config import PyFileConfigLoader
from typescript_kernel import TypeScriptKernelManager

TOOLS = Path(__file__).resolve().parents[1]
LOG = "kernel.log"


class InMemory:
    """What papermill writes after each cell. A file is written when it is whole, so that a full disk tears none."""

    def write(self, text, _):
        self.text = text

    def pretty_path(self, path):
        return path


memory = InMemory()
papermill_io.register("memory:", memory)


def write_whole(path, text):
    """Replaces a file as a whole, or ends with one line and leaves it as it was."""
    content = text.encode("utf-8", "replace")
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        sys.exit(f"{path} cannot be written: {reason(error, path.parent, len(content))}")


def reason(error, folder, size):
    """The same words as in src/support/writing.ts."""
    megabytes = f"{size / 1e6:.1f} MB"
    if error.errno == errno.ENOSPC:
        free = f"{shutil.disk_usage(folder).free / 1e6:.1f} MB"
        return f"the disk is full: {free} free, {megabytes} needed; free some space, or choose another folder"
    if error.errno == errno.EDQUOT:
        return f"your quota is used up: {megabytes} needed; free some space, or choose another folder"
    if error.errno == errno.EFBIG:
        return f"files of {megabytes} are not allowed here; raise the limit (ulimit -f)"
    return f"{error.strerror}; choose another folder"


def export(executed, source, reports, no_input, has_index):
    config = PyFileConfigLoader("jupyter_server_config.py", path=str(TOOLS / "jupyter")).load_config()
    exporter = HTMLExporter(config=config, exclude_input=no_input, exclude_input_prompt=no_input)
    # The folder that images in prose are relative to, as JupyterLab's export says it.
    metadata = {"name": source.stem, "path": str(source.parent)}
    resources = {"metadata": metadata, "no_input": no_input, "has_index": has_index}
    html, _ = exporter.from_notebook_node(executed, resources=resources)
    write_whole(reports / f"{source.stem}.html", html)


def run(notebook, progress, reports, no_input):
    name, source = notebook["name"], Path(notebook["source"])
    target = reports / f"{name}.ipynb"
    failure = None
    try:
        papermill.execute_notebook(
            literal(source),
            literal(f"memory:{target}"),
            parameters=notebook["parameters"],
            kernel_name="tslab",
            progress_bar=False,
            on_notebook_start=progress.on_notebook_start,
            on_cell_start=progress.on_cell_start,
        )
    except PapermillExecutionError as error:
        first_line = error.source.strip().split("\n")[0]
        # A kernel that died has not numbered the cell.
        number = "" if error.exec_count is None else f" [{error.exec_count}]"
        failure = f"{name}, cell{number} `{first_line}`: {error.ename}: {error.evalue}"
    executed = nbformat.reads(memory.text, as_version=4)
    executed.metadata.papermill["output_path"] = str(target)
    write_whole(target, nbformat.writes(executed))
    export(executed, source, reports, no_input, has_index=not failure)
    if failure:
        ran = f"The notebook as far as it ran: {target.with_suffix('.html')}"
        sys.exit(f"{failure}\n{ran}\nWhat TensorFlow and the kernel printed: {reports / LOG}")


def literal(path):
    """A path for papermill, which formats braces in it."""
    return str(path).replace("{", "{{").replace("}", "}}")


def main():
    job = json.load(sys.stdin)
    reports = Path(job["reports"])
    reports.mkdir(parents=True, exist_ok=True)
    TypeScriptKernelManager.output = (reports / LOG).open("w", buffering=1)
    for notebook in job["notebooks"]:
        with Progress(notebook["position"], notebook["title"], job["quiet"]) as progress:
            run(notebook, progress, reports, job["noInput"])
        with open(job["unfinished"], "a", encoding="utf-8") as unfinished:
            unfinished.write(f"{notebook['name']}\n")


def follow_parent():
    """Ends this process and the kernel when the command that started them has died: nobody would see them train on."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(1)
    stop()


def stop(*_):
    """Ends the kernel too: it runs in its own session and would continue."""
    for child in psutil.Process().children(recursive=True):
        child.kill()
    os._exit(130)


# SIGINT and SIGTERM are nbclient's, which would end the kernel and wait for its answer.
signal.signal(signal.SIGUSR1, stop)
signal.signal(signal.SIGHUP, stop)
threading.Thread(target=follow_parent, daemon=True).start()
main()
