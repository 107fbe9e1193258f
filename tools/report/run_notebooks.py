"""Runs notebooks on the tslab kernel and exports them as HTML; the job comes as JSON on standard input.

{"notebooks": [{"name", "source", "parameters"}], "reports": folder, "noInput": bool}
"""

import json
import os
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
from traitlets.config import PyFileConfigLoader

TOOLS = Path(__file__).resolve().parents[1]


def export(executed, source, reports, no_input):
    config = PyFileConfigLoader("jupyter_server_config.py", path=str(TOOLS / "jupyter")).load_config()
    exporter = HTMLExporter(config=config, exclude_input=no_input, exclude_input_prompt=no_input)
    # The folder that images in prose are relative to, as JupyterLab's export says it.
    resources = {"metadata": {"name": source.stem, "path": str(source.parent)}}
    html, _ = exporter.from_notebook_node(executed, resources=resources)
    (reports / f"{source.stem}.html").write_text(html, encoding="utf-8")


def run(notebook, reports, no_input):
    name, source = notebook["name"], Path(notebook["source"])
    target = reports / f"{name}.ipynb"
    started = time.monotonic()
    failure = None
    print(f"{name} … ", end="", flush=True)
    try:
        papermill.execute_notebook(
            source, target, parameters=notebook["parameters"], kernel_name="tslab", progress_bar=False
        )
    except PapermillExecutionError as error:
        first_line = error.source.strip().split("\n")[0]
        failure = f"{name}, cell [{error.exec_count}] `{first_line}`: {error.ename}: {error.evalue}"
    export(nbformat.read(target, as_version=4), source, reports, no_input)
    if failure:
        sys.exit(f"\n{failure}\nThe notebook as far as it ran: {target.with_suffix('.html')}")
    print(f"{time.monotonic() - started:.0f} s", flush=True)


def main():
    job = json.load(sys.stdin)
    reports = Path(job["reports"])
    reports.mkdir(parents=True, exist_ok=True)
    for notebook in job["notebooks"]:
        run(notebook, reports, job["noInput"])


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
