"""How notebooks become HTML, for `npm run report` and for the export of JupyterLab, whose server reads this file."""

import sys
from pathlib import Path

tools = Path(__file__).resolve().parents[1]
sys.path.append(str(tools / "report"))

import nbconvert.exporters  # noqa: E402
from pdf_exporter import ChromiumPDFExporter  # noqa: E402

# The format `pdf`, JupyterLab's menu entry PDF, which would need LaTeX.
nbconvert.exporters.PDFExporter = ChromiumPDFExporter
c = get_config()  # noqa: F821
c.TemplateExporter.extra_template_basedirs = [str(tools / "report")]
c.TemplateExporter.extra_template_paths = [str(tools.parent / "node_modules" / ".cache")]
c.HTMLExporter.template_name = "template"
c.HTMLExporter.embed_images = True
c.HTMLExporter.preprocessors = ["report_page.add_overview"]
c.NbConvertBase.display_data_priority = [
    "application/vnd.plotly.v1+json",
    "text/html",
    "text/markdown",
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "text/plain",
]

# A cell of the deployment notebook shows a page of several megabytes.
c.ZMQChannelsWebsocketConnection.iopub_data_rate_limit = 1e8

# JupyterLab brings a Python kernel along; where it asks which one to take, there is nothing to choose here.
c.KernelSpecManager.allowed_kernelspecs = {"tslab"}
# The first three need playwright or Qt; slides would load reveal.js from a host elsewhere.
for other in ("WebPDFExporter", "QtPDFExporter", "QtPNGExporter", "SlidesExporter"):
    c[other].enabled = False
