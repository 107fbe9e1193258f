"""How far the notebooks are: one line each, rewritten on a terminal while the notebook runs, and plain in a log."""

import shutil
import sys
import threading
import time

BAR = 10
HEADINGS = ("# ", "## ", "### ")


class Progress:
    """The line of one notebook, as `3/7 Model Architecture  [######----] cell 10/24  Improvements  38 s`.

    In a `with`, whose end completes the line. Its methods are nbclient's hooks.
    """

    def __init__(self, position, title, is_quiet):
        self.name = f"{position} {title}"
        self.is_quiet = is_quiet
        self.is_live = not is_quiet and sys.stdout.isatty()
        self.started = time.monotonic()
        self.sections = {}
        self.cell = 0
        self.section = ""
        self.running = None
        self.ended = threading.Event()

    def on_notebook_start(self, notebook):
        section = ""
        for cell in notebook.cells:
            first_line = cell.source.split("\n")[0]
            if cell.cell_type == "markdown" and first_line.startswith(HEADINGS):
                section = first_line.lstrip("# ")
            elif cell.cell_type == "code" and cell.source.strip():
                self.sections[cell.id] = section

    def on_cell_start(self, cell, cell_index):
        if cell.id not in self.sections:
            return
        self.cell = list(self.sections).index(cell.id) + 1
        self.section = self.sections[cell.id]
        # nbclient adds to its outputs while it runs.
        self.running = cell
        self.draw()

    def __enter__(self):
        if self.is_live:
            self.draw()
            threading.Thread(target=self.redraw, daemon=True).start()
        return self

    def __exit__(self, error, *_):
        self.ended.set()
        if self.is_live:
            print("\r\x1b[K", end="")
        if not self.is_quiet:
            print(f"{self.name}  {'failed after ' if error else ''}{self.seconds()} s", flush=True)

    def redraw(self):
        while not self.ended.wait(1):
            self.draw()

    def draw(self):
        if not self.is_live or self.ended.is_set():
            return
        total = len(self.sections)
        done = round(BAR * max(self.cell - 1, 0) / total) if total else 0
        bar = f"[{'#' * done}{'-' * (BAR - done)}]"
        place = f"{bar} cell {self.cell}/{total}" if total else "starting"
        parts = [self.name, place, self.section, self.latest_line(), f"{self.seconds()} s"]
        line = "  ".join(filter(None, parts))
        # Some terminals do not tell their width.
        width = shutil.get_terminal_size().columns or 80
        print("\r" + line[: width - 1] + "\x1b[K", end="", flush=True)

    def latest_line(self):
        """What the running cell has shown last, such as the epoch of a training."""
        outputs = self.running.outputs if self.running else []
        latest = outputs[-1] if outputs else {}
        data = latest.get("data", {})
        shown = data.get("text/plain", "")
        # Not a table, and no text to read.
        text = latest.get("text") or ("" if "\n" in shown or "text/markdown" in data else shown)
        lines = "".join(c if c.isprintable() else "\n" for c in text).strip().splitlines()
        return lines[-1].strip() if lines else ""

    def seconds(self):
        return round(time.monotonic() - self.started)
