// One page with what two runs have in common and what not: `npm run report -- --compare RUN_A RUN_B`.
import { join } from "node:path";
import { plotlyFigure } from "../../src/display/plotly";
import { COLORS } from "../../src/display/svg";
import { SPLITS } from "../../src/images/folders";
import { writeFileAtomically } from "../../src/support/files";
import { type Html, html, scriptData } from "../../src/support/text";
import { originRows } from "./origin";
import { type Cell, figureScripts, minute, page, table } from "./page";
import type { NamedRun } from "./run-record";

/** Writes `compare.html` about two runs to the folder `reports`, and returns its path. */
export function writeComparison(a: NamedRun, b: NamedRun, reports: string): string {
	const runs = [a, b];
	const sections = [
		html`<h1>Two runs compared</h1>`,
		table(runs.map(({ name, date }, i) => ["AB"[i], name, date ? minute(date) : ""])),
		differences(a, b),
		html`<h2>Key numbers</h2>${keyNumbers(a, b)}`,
		html`<h2>Learning curves</h2>${curves(runs, "loss", "Loss")}${curves(runs, "acc", "Accuracy")}`,
		html`<h2>Confusion matrices</h2>${sideBySide(runs, confusionMatrix)}`,
		html`<h2>Classification reports</h2>${sideBySide(runs, classificationReport)}`,
	];
	const file = join(reports, "compare.html");
	writeFileAtomically(file, page(`${a.name} and ${b.name} compared`, sections, figureScripts()));
	return file;
}

/** What was run with what: first what differs, then, folded away, what does not. */
function differences(a: NamedRun, b: NamedRun): Html {
	const [settingsA, settingsB] = [a, b].map(settingsOf);
	const names = Object.keys({ ...settingsA, ...settingsB });
	const rows = names.map((name) => ({ name, values: [settingsA[name] ?? "not set", settingsB[name] ?? "not set"] }));
	const differ = rows.filter(({ values: [x, y] }) => x !== y);
	const same = rows.filter(({ values: [x, y] }) => x === y).map(({ name, values: [x] }) => [name, x]);
	const marked = differ.map(({ name, values }): Cell[] => [
		name,
		...values.map((value) => html`<mark>${value}</mark>`),
	]);
	const changes = marked.length
		? table(marked, { header: ["", "A", "B"] })
		: html`<p>Data set, parameters, versions and device are the same.</p>`;
	return html`<h2>What differs</h2>
${changes}
<details><summary>The same in both (${same.length})</summary>${table(same)}</details>`;
}

type Settings = Record<string, string | number | boolean | undefined>;

const settingsOf = ({ dataset, classNames, parameters, versions, device, origin }: NamedRun): Settings => ({
	dataset,
	classes: classNames?.join(", "),
	...parameters,
	...versions,
	device,
	...Object.fromEntries(origin ? originRows(origin) : []),
});

/** A row of the key numbers: its title, where its value is, and the digits after the point. */
type KeyNumber = [string, (run: NamedRun) => number | null | undefined, number];

function keyNumbers(a: NamedRun, b: NamedRun): Html {
	const parts = ["clean", "train", "evaluate"] as const;
	const numbers: KeyNumber[] = [
		["Test accuracy", ({ test }) => test?.accuracy, 5],
		["Test loss", ({ test }) => test?.loss, 5],
		["Epochs run", ({ epochsRun }) => epochsRun, 0],
		...parts.map((part): KeyNumber => [`Seconds to ${part}`, ({ seconds }) => seconds?.[part], 1]),
		["Files removed by cleaning", ({ removed }) => removed, 0],
		...SPLITS.map((split): KeyNumber => [`Images, ${split}`, ({ counts }) => counts[split], 0]),
	];
	const rows = numbers.map(([name, read, digits]) => {
		const [x, y] = [read(a), read(b)];
		const isKnown = typeof x === "number" && typeof y === "number";
		const difference = isKnown ? (y > x ? "+" : "") + (y - x).toFixed(digits).replace("-", "−") : "";
		return [name, x?.toFixed(digits), y?.toFixed(digits), difference];
	});
	return table(rows, { header: ["", "A", "B", "B − A"], numeric: true });
}

/** Training and validation curves of both runs in one figure. */
function curves(runs: NamedRun[], metric: "loss" | "acc", title: string): Html {
	const validation = metric === "loss" ? "valLoss" : "valAcc";
	const traces = runs.flatMap(({ history }, i) => [
		...trace(`${"AB"[i]}, training`, history?.[metric], { color: COLORS[i], dash: "solid" }),
		...trace(`${"AB"[i]}, validation`, history?.[validation], { color: COLORS[i], dash: "dot" }),
	]);
	if (traces.length === 0) return html`<h3>${title}</h3><p>not run</p>`;
	const epochs = Math.max(...traces.map(({ y }) => y.length));
	const figure = plotlyFigure({
		data: traces,
		layout: {
			title: { text: title },
			height: 380,
			margin: { t: 50, r: 20, b: 50, l: 60 },
			legend: { orientation: "h", y: -0.3 },
			xaxis: { title: { text: "Epoch" }, tick0: 1, dtick: Math.ceil(epochs / 10) },
		},
	});
	return html`<div class="figure" id="${metric}"></div><script>showFigure("${metric}", ${scriptData(figure)});</script>`;
}

/** A curve for plotly, or nothing where the run has none. */
function trace(name: string, y: number[] | undefined, line: { color: string; dash: string }) {
	if (!y?.length) return [];
	return [{ type: "scatter", mode: "lines+markers", name, x: y.map((_, epoch) => epoch + 1), y, line }];
}

function sideBySide(runs: NamedRun[], show: (run: NamedRun) => Html | null): Html {
	const sides = runs.map((run, i) => {
		return html`<div><h3>${"AB"[i]}: ${run.name}</h3>${show(run) ?? html`<p>not run</p>`}</div>`;
	});
	return html`<div class="side-by-side">${sides}</div>`;
}

function confusionMatrix({ confusionMatrix: matrix, classNames }: NamedRun): Html | null {
	if (!matrix || !classNames) return null;
	const rows = matrix.map((row, i) => [classNames[i], ...row]);
	return table(rows, { header: ["true ↓ predicted →", ...classNames], numeric: true });
}

function classificationReport({ reportRows }: NamedRun): Html | null {
	if (!reportRows) return null;
	const rows = reportRows.map(({ class: name, precision, recall, f1, support }) => [
		name,
		...[precision, recall, f1].map((value) => value?.toFixed(4) ?? ""),
		support,
	]);
	return table(rows, { header: ["", "precision", "recall", "f1", "support"], numeric: true });
}
