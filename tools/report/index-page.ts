// The page that links to the reports, with the key numbers of the run.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "../../src/support/files";
import { type Html, html } from "../../src/support/text";
import { notebookNames, title } from "../jupyter/notebooks.mjs";
import { minute, page, table } from "./page";
import type { RunRecord } from "./run-record";

/** Writes `index.html` to the reports folder, with a link to each notebook's page there. */
export function writeIndex(reports: string, record: RunRecord): void {
	const isWritten = (name: string) => existsSync(join(reports, name));
	const links = notebookNames()
		.filter((name) => isWritten(`${name}.html`))
		.map((name) => {
			const pdf = isWritten(`${name}.pdf`) ? html` (<a href="${encodeURIComponent(name)}.pdf">PDF</a>)` : null;
			return html`<li><a href="${encodeURIComponent(name)}.html">${title(name)}</a>${pdf}</li>\n`;
		});
	const body = html`<h1>Image classification</h1>
<div class="tiles">${tiles(record)}</div>
<h2>Reports</h2>
<ol>
${links}</ol>
<h2>This run</h2>
${table(Object.entries(facts(record)))}
<p>For programs: <a href="metrics.json">metrics.json</a></p>`;
	writeFileAtomically(join(reports, "index.html"), page("Image classification: reports", [body]));
}

function tiles({ test, epochsRun, seconds }: RunRecord): Html[] {
	const numbers = {
		"test accuracy": test && fixed(test.accuracy, 5),
		"test loss": test && fixed(test.loss, 5),
		"epochs run": epochsRun,
		"seconds of training": seconds.train?.toFixed(1),
	};
	return Object.entries(numbers).map(([name, value]) => {
		return html`<div><strong>${value ?? "–"}</strong>${name}${value === undefined || value === null ? " (not run)" : ""}</div>`;
	});
}

const facts = (record: RunRecord) => ({
	"Data set": record.dataset + (record.synthetic ? " (synthetic sample images)" : ""),
	Classes: record.classNames?.join(", "),
	Images: record.counts.train === null ? null : listed(record.counts),
	"Files removed by cleaning": record.removed,
	Parameters: listed(record.parameters),
	Versions: listed(record.versions),
	Device: record.device,
	Date: minute(record.date),
});

/** JSON has null for what is not a number, such as the loss of a training that diverged. */
const fixed = (value: number | null, digits: number) => value?.toFixed(digits) ?? "not a number";

const listed = (values: object) =>
	Object.entries(values)
		.map(([name, value]) => `${name} ${value}`)
		.join(", ");
