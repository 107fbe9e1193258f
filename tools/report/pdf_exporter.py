"""PDF as nbconvert's format `pdf`: the page of a report, printed by Chromium. LaTeX, which the format of that name needs
elsewhere, knows neither the charts nor the tables."""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from nbconvert import HTMLExporter
from traitlets import default

ROOT = Path(__file__).resolve().parents[2]


class ChromiumPDFExporter(HTMLExporter):
    export_from_notebook = "PDF"
    output_mimetype = "application/pdf"

    @default("file_extension")
    def _file_extension_default(self):
        return ".pdf"

    @default("template_extension")
    def _template_extension_default(self):
        return ".html.j2"

    def from_notebook_node(self, nb, resources=None, **kw):
        html, resources = super().from_notebook_node(nb, resources=resources, **kw)
        # Below the project, since a browser that came as a snap sees neither /tmp nor hidden folders of the home.
        with TemporaryDirectory(dir=ROOT / "node_modules") as folder:
            page, pdf = (Path(folder) / f"page.{extension}" for extension in ("html", "pdf"))
            page.write_text(html, encoding="utf-8")
            command = ["node", "--import", "tsx", ROOT / "tools" / "report" / "print-pdf.ts", page, pdf]
            printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if printed.returncode != 0:
                raise RuntimeError(printed.stderr.strip())
            return pdf.read_bytes(), resources
