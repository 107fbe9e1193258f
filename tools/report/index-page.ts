// The page that links to the reports, with the run at a glance.
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { confusionMatrixFigure, curves } from "../../src/display/figures";
import { type Figure, svgOf } from "../../src/display/svg";
import { writeFileAtomically } from "../../src/support/files";
import { readJson } from "../../src/support/json";
import { Html, html } from "../../src/support/text";
import { notebookNames, title } from "../jupyter/notebooks.mjs";
import { originRows } from "./origin";
import { minute, page, table } from "./page";
import type { RunRecord } from "./run-record";
import { testAccuracy } from "./verdict";

/** Writes `index.html` to the reports folder, with a link to each notebook's page there. */
export function writeIndex(reports: string, record: RunRecord): void {
	const isWritten = (name: string) => existsSync(join(reports, name));
	const outcomes = new Map(notebookNames().map((name) => [name, outcomesOf(join(reports, `${name}.ipynb`))]));
	const links = [...outcomes]
		.filter(([name]) => isWritten(`${name}.html`))
		.map(([name, { finding }]) => {
			const pdf = isWritten(`${name}.pdf`) ? html` (<a href="${encodeURIComponent(name)}.pdf">PDF</a>)` : null;
			const page = html`<a href="${encodeURIComponent(name)}.html">${title(name)}</a>${pdf}`;
			return html`<li>${page}${finding ? html`<br>${finding}` : null}</li>\n`;
		});
	const body = html`<h1>Image classification</h1>
<div class="tiles">${tiles(record)}</div>
<h2>Reports</h2>
<ol>
${links}</ol>
${glance(record, outcomes.get("05-evaluation")?.mistakes)}
${next(record)}
<h2>This run</h2>
${table(Object.entries(facts(record)))}
<p>For programs: <a href="metrics.json">metrics.json</a></p>`;
	writeFileAtomically(join(reports, "index.html"), page("Image classification: reports", [body]));
}

/** Whether the data is good enough, what limits it, and what to do. */
function next({ verdict: [judgement, ...limits] }: RunRecord): Html | null {
	if (!judgement) return null;
	return html`<h2>What next?</h2>
<p>${judgement}</p>
<ul>
${limits.map((limit) => html`<li>${limit}</li>\n`)}</ul>`;
}

/** Learning curves, confusion matrix and the worst mistakes. */
function glance({ history, confusionMatrix, classNames }: RunRecord, mistakes: string | undefined): Html[] {
	const { loss = [], acc = [], valLoss = [], valAcc = [] } = history;
	const learning = { loss, acc, valLoss, valAcc };
	const figures = [
		...(acc.length > 0 ? [curves(learning, "acc"), curves(learning, "loss")] : []),
		...(confusionMatrix && classNames ? [confusionMatrixFigure(confusionMatrix, classNames)] : []),
	];
	return [
		html`<div class="side-by-side">${figures.map(drawing)}</div>`,
		...(mistakes
			? [html`<h2>The most confident mistakes</h2>\n<div class="scroll" tabindex="0">${new Html(mistakes)}</div>`]
			: []),
	];
}

function drawing(figure: Figure): Html {
	const { title } = figure.layout as { title: { text: string } };
	const svg = svgOf(figure, { width: 460, height: 320 })?.replace(/^<svg /, "") ?? "";
	return html`<figure><svg class="drawing" role="img" aria-label="${title.text}" ${new Html(svg)}</figure>`;
}

interface Cell {
	cell_type: string;
	source: string | string[];
	outputs?: { data?: Record<string, string | string[]> }[];
}

const textOf = (text: string | string[] = "") => [text].flat().join("");

/** What a notebook that was run says first in its takeaways, and the images of its most confident mistakes. */
function outcomesOf(file: string): { finding?: string; mistakes?: string } {
	if (!existsSync(file)) return {};
	const { cells } = readJson(file) as { cells: Cell[] };
	const below = (heading: string, type: string) => {
		const isHeading = ({ cell_type, source }: Cell) => cell_type === "markdown" && /^#+ /.test(textOf(source));
		const start = cells.findIndex((cell) => isHeading(cell) && textOf(cell.source).startsWith(heading)) + 1;
		const end = cells.findIndex((cell, i) => i >= start && isHeading(cell));
		const outputs = start === 0 ? [] : cells.slice(start, end).flatMap(({ outputs = [] }) => outputs);
		return outputs.map(({ data = {} }) => textOf(data[type])).filter(Boolean);
	};
	const [finding] = below("## Takeaways", "text/plain").flatMap((text) => /^- (.*)$/m.exec(text)?.[1] ?? []);
	const [mistakes] = below("### The most confident mistakes", "text/html");
	return { finding, mistakes };
}

function tiles(record: RunRecord): Html[] {
	const { test, epochsRun, seconds, confusionMatrix } = record;
	const known = test && confusionMatrix && testAccuracy(confusionMatrix);
	const numbers = {
		[`test accuracy${known ? ` (${known.interval}, ${known.images} images)` : ""}`]: test && fixed(test.accuracy, 5),
		"test loss": test && fixed(test.loss, 5),
		"epochs run": epochsRun,
		"seconds of training": seconds.train?.toFixed(1),
	};
	return Object.entries(numbers).map(([name, value]) => {
		return html`<div><strong>${value ?? "–"}</strong>${name}${value === undefined || value === null ? " (not run)" : ""}</div>`;
	});
}

const facts = (record: RunRecord) => ({
	"Data set": basename(record.dataset) + (record.synthetic ? " (synthetic sample images)" : ""),
	Classes: record.classNames?.join(", "),
	Images: record.counts.train === null ? null : listed(record.counts),
	"Files removed by cleaning": record.removed,
	Parameters: listed(record.parameters),
	Versions: listed(record.versions),
	Device: record.device,
	Date: minute(record.date),
	...Object.fromEntries(record.origin ? originRows(record.origin) : []),
});

/** JSON has null for what is not a number, such as the loss of a training that diverged. */
const fixed = (value: number | null, digits: number) => value?.toFixed(digits) ?? "not a number";

const listed = (values: object) =>
	Object.entries(values)
		.filter(([, value]) => value !== "")
		.map(([name, value]) => `${name} ${value}`)
		.join(", ");
