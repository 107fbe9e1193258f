"""What a report says before the notebook itself: title, date, parameters, contents, versions and device."""

import json
import re
import subprocess
from datetime import datetime, timezone
from functools import cache
from pathlib import Path

from bs4 import BeautifulSoup
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat.v4 import new_markdown_cell
from typescript_parameters import declarations

TOOLS = Path(__file__).resolve().parents[1]


def add_overview(nb, resources):
    """A preprocessor: the template shows `resources["overview"]` below the heading of the cell marked `overview`."""
    headings = []
    nb.cells = [cell for cell in nb.cells if not is_unanswered(cell)]
    if resources.get("no_input"):
        for cell in nb.cells:
            if has_tag(cell, "solution"):
                cell.source = without_code(cell.source)
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            cell.source = link_to_pages(cell.source)
            headings += [(cell, *heading) for heading in headings_of(cell)]
    if not any(level == "h1" for _, level, _, _ in headings):
        name = resources["metadata"]["name"]
        nb.cells.insert(0, new_markdown_cell(f"# {name}"))
        headings.insert(0, (nb.cells[0], "h1", name, None))
    first, title = next((cell, text) for cell, level, text, _ in headings if level == "h1")
    first.metadata["overview"] = True
    nb.metadata["title"] = title
    # The state of widgets would make the page ask a host elsewhere for their code; their HTML is shown instead.
    nb.metadata.pop("widgets", None)
    resources["overview"] = {
        "date": date_of(nb),
        "parameters": parameters_of(nb),
        "contents": [heading for _, *heading in headings if heading[0] != "h1" and heading[2]],
        **versions_and_device(),
    }
    return nb, resources


def keeping_tags(write_html):
    """A renderer's method that leaves tags alone: nbconvert closes `<code>` or `<details>` at once when it looks for
    images in it, and what follows is outside."""
    return lambda renderer, html: write_html(renderer, html) if "<img" in html else html


IPythonRenderer.inline_html = keeping_tags(IPythonRenderer.inline_html)
IPythonRenderer.block_html = keeping_tags(IPythonRenderer.block_html)


def link_to_pages(markdown):
    """Links to other notebooks lead to their reports, which lie side by side as the notebooks do."""
    return re.sub(r"(\]\((?!\w+:)[^()\s]+)\.ipynb(?=[#)])", r"\1.html", markdown)


def is_unanswered(cell):
    """Whether it is the empty cell of an exercise: JupyterLab invites to fill it, on a page it would only be a gap."""
    return cell.cell_type == "code" and has_tag(cell, "exercise") and not cell.source.strip()


def without_code(markdown):
    """A solution on a page without code: its sentences."""
    return re.sub(r"^```[^\n]*\n.*?^```\n*", "", markdown, flags=re.DOTALL | re.MULTILINE)


def has_tag(cell, tag):
    return tag in cell.metadata.get("tags", [])


def headings_of(cell):
    """Level, text and anchor of each heading, as nbconvert will write them."""
    renderer = IPythonRenderer(escape=False, attachments=cell.get("attachments", {}))
    soup = BeautifulSoup(MarkdownWithMath(renderer=renderer).render(cell.source), "html.parser")
    for link in soup.select("a.anchor-link"):
        link.decompose()
    return [(heading.name, heading.get_text(), heading.get("id")) for heading in soup.select("h1, h2, h3")]


def date_of(nb):
    times = nb.metadata.get("papermill", {})
    run = times.get("end_time") or times.get("start_time")
    moment = datetime.fromisoformat(run) if run else datetime.now(timezone.utc)
    return f"{'Run' if run else 'Exported'} on {moment.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"


def parameters_of(nb):
    """The parameters in force, with the default of those that were given for this run."""
    parameters = {}
    for cell in tagged(nb, "parameters"):
        for name, _, value, comment in declarations(cell.source):
            parameters[name] = {"value": value, "comment": comment or ""}
    for cell in tagged(nb, "injected-parameters"):
        for name, _, value, _ in declarations(cell.source):
            known = parameters.get(name, {"value": None, "comment": ""})
            if value != known["value"]:
                parameters[name] = {**known, "value": value, "default": known["value"]}
    return parameters


def tagged(nb, tag):
    return [cell for cell in nb.cells if cell.cell_type == "code" and has_tag(cell, tag)]


@cache
def versions_and_device():
    return json.loads(subprocess.check_output(["node", str(TOOLS / "setup" / "versions.mjs")]))
