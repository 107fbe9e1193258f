// One page with what runs have in common and what not: `npm run report -- --compare RUN RUN…`.
import { join } from "node:path";
import { plotlyFigure } from "../../src/display/plotly";
import { COLORS } from "../../src/display/svg";
import { SPLITS } from "../../src/images/folders";
import { writeFileAtomically } from "../../src/support/files";
import { type Html, html, scriptData } from "../../src/support/text";
import { type LabelledRun, labelled, luckOf, settingsOf, signed } from "./luck";
import { luckSection } from "./luck-section";
import { type Cell, figureScripts, minute, page, table } from "./page";
import type { NamedRun } from "./run-record";

/** Writes `compare.html` about two runs or more to the folder `reports`, and returns its path. */
export function writeComparison(given: NamedRun[], reports: string): string {
	const runs = labelled(given);
	const sections = [
		html`<h1>${runs.length === 2 ? "Two" : runs.length} runs compared</h1>`,
		table(runs.map(({ label, run: { name, date } }) => [label, name, date ? minute(date) : ""])),
		differences(runs),
		html`<h2>Key numbers</h2>${keyNumbers(runs)}`,
		luckSection(luckOf(runs)),
		html`<h2>Learning curves</h2>${curves(runs, "loss", "Loss")}${curves(runs, "acc", "Accuracy")}`,
		html`<h2>Confusion matrices</h2>${sideBySide(runs, confusionMatrix)}`,
		html`<h2>Classification reports</h2>${sideBySide(runs, classificationReport)}`,
	];
	const file = join(reports, "compare.html");
	const names = given.length === 2 ? `${given[0].name} and ${given[1].name}` : `${given.length} runs`;
	writeFileAtomically(file, page(`${names} compared`, sections, figureScripts()));
	return file;
}

/** What was run with what: first what differs, then, folded away, what does not. */
function differences(runs: LabelledRun[]): Html {
	const settings = runs.map(({ run }) => settingsOf(run));
	const names = Object.keys(Object.assign({}, ...settings));
	const rows = names.map((name) => ({ name, values: settings.map((one) => one[name] ?? "not set") }));
	const isSame = ({ values }: (typeof rows)[number]) => new Set(values).size === 1;
	const same = rows.filter(isSame).map(({ name, values: [value] }) => [name, value]);
	const marked = rows
		.filter((row) => !isSame(row))
		.map(({ name, values }): Cell[] => {
			// What most runs have is not what is special of one.
			const isRare = (value: unknown) => 2 * values.filter((other) => other === value).length <= values.length;
			return [name, ...values.map((value) => (isRare(value) ? html`<mark>${value}</mark>` : value))];
		});
	const changes = marked.length
		? table(marked, { header: ["", ...runs.map(({ label }) => label)], roomy: true })
		: html`<p>Data set, parameters, versions and device are the same.</p>`;
	return html`<h2>What differs</h2>
${changes}
<details><summary>The same in ${runs.length === 2 ? "both" : "all"} (${same.length})</summary>${table(same)}</details>`;
}

/** A row of the key numbers: its title, where its value is, and the digits after the point. */
type KeyNumber = [string, (run: NamedRun) => number | null | undefined, number];

/** Of two runs with their difference. */
function keyNumbers(runs: LabelledRun[]): Html {
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
		const values = runs.map(({ run }) => read(run));
		const [x, y] = values;
		const isKnown = typeof x === "number" && typeof y === "number";
		const difference = isKnown ? signed(y - x, digits) : "";
		return [name, ...values.map((value) => value?.toFixed(digits)), ...(runs.length === 2 ? [difference] : [])];
	});
	const header = ["", ...runs.map(({ label }) => label), ...(runs.length === 2 ? ["B − A"] : [])];
	return table(rows, { header, numeric: true });
}

/** Training and validation curves of all runs in one figure. */
function curves(runs: LabelledRun[], metric: "loss" | "acc", title: string): Html {
	const validation = metric === "loss" ? "valLoss" : "valAcc";
	// Two entries for each of many runs would leave no room for the curves.
	const isShort = runs.length > 4;
	const traces = runs.flatMap(({ label, run: { history } }, i) => {
		const line = { color: colorOf(i, runs.length), legendgroup: label };
		return [
			...trace(isShort ? label : `${label}, training`, history?.[metric], { ...line, dash: "solid" }),
			...trace(`${label}, validation`, history?.[validation], { ...line, dash: "dot", showlegend: !isShort }),
		];
	});
	if (traces.length === 0) return html`<h3>${title}</h3><p>not run</p>`;
	const epochs = Math.max(...traces.map(({ y }) => y.length));
	const figure = plotlyFigure({
		data: traces,
		layout: {
			title: { text: isShort ? `${title} (solid: training, dotted: validation)` : title },
			// On a phone five of them take a line of the legend.
			height: 380 + 8 * Math.max(0, runs.length - 6),
			margin: { t: 50, r: 20, b: 50, l: 60 },
			legend: { orientation: "h", y: -0.3 },
			xaxis: { title: { text: "Epoch" }, tick0: 1, dtick: Math.ceil(epochs / 10) },
		},
	});
	return html`<div class="figure" id="${metric}"></div><script>showFigure("${metric}", ${scriptData(figure)});</script>`;
}

/** The colours of all figures while they last, then as many hues as there are runs. */
const colorOf = (index: number, of: number): string =>
	of <= COLORS.length ? COLORS[index] : `hsl(${Math.round((360 * index) / of)}, 60%, 50%)`;

interface Look {
	color: string;
	dash: string;
	/** Curves that the legend shows and hides together. */
	legendgroup: string;
	showlegend?: boolean;
}

/** A curve for plotly, or nothing where the run has none. */
function trace(name: string, y: number[] | undefined, { color, dash, ...legend }: Look) {
	if (!y?.length) return [];
	const x = y.map((_, epoch) => epoch + 1);
	return [{ type: "scatter", mode: "lines+markers", name, x, y, line: { color, dash }, ...legend }];
}

function sideBySide(runs: LabelledRun[], show: (run: NamedRun) => Html | null): Html {
	const sides = runs.map(({ label, run }) => {
		return html`<div><h3>${label}: ${run.name}</h3>${show(run) ?? html`<p>not run</p>`}</div>`;
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
