// `npm run report -- --compare RUN_A RUN_B`: one page with what two runs have in common and what not.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { at, shown } from "../common.mjs";
import { escapeHtml, page, table } from "./page.mjs";

const COLOURS = ["#1f77b4", "#d95f02"];

/**
 * The metrics of a run.
 *
 * @param path a reports folder or its metrics.json
 * @throws with one line that says what is not there or not as expected
 */
export function readRun(path) {
	const name = shown(path);
	if (!existsSync(path)) throw new Error(`--compare ${name}: there is no such folder or file`);
	const file = statSync(path).isDirectory() ? join(path, "metrics.json") : path;
	if (!existsSync(file)) {
		throw new Error(`--compare ${name}: no metrics.json in this folder; npm start -- --reports ${name} writes one`);
	}
	let metrics;
	try {
		metrics = JSON.parse(readFileSync(file, "utf8"));
	} catch {
		throw new Error(`--compare ${name}: ${shown(file)} is not JSON; npm start -- --reports DIR writes a new one`);
	}
	if (metrics?.parameters && metrics.counts && metrics.versions) return { ...metrics, name };
	throw new Error(
		`--compare ${name}: ${shown(file)} is not the metrics.json of a run; npm start -- --reports DIR writes one`,
	);
}

/** Writes `compare.html` about two runs to the folder `reports`, and returns its path. */
export function writeComparison([a, b], reports) {
	const runs = [a, b];
	const names = runs.map(({ name }, i) => ({ html: `${"AB"[i]}: ${escapeHtml(name)}` }));
	const plotly = readFileSync(at("node_modules", ".cache", "plotly.min.js"), "utf8");
	const sections = [
		`<h1>Two runs compared</h1>`,
		table(runs.map(({ name, date }, i) => ["AB"[i], name, date ? day(date) : ""])),
		differences(a, b),
		`<h2>Key numbers</h2>${keyNumbers(a, b)}`,
		`<h2>Learning curves</h2>${curves(runs, "loss", "Loss")}${curves(runs, "acc", "Accuracy")}`,
		`<h2>Confusion matrices</h2>${sideBySide(runs, names, confusionMatrix)}`,
		`<h2>Classification reports</h2>${sideBySide(runs, names, classificationReport)}`,
	];
	mkdirSync(reports, { recursive: true });
	const file = join(reports, "compare.html");
	writeFileSync(file, page(`${a.name} and ${b.name} compared`, sections.join("\n"), `<script>${plotly}</script>`));
	return file;
}

/** What was run with what: first what differs, then, folded away, what does not. */
function differences(a, b) {
	const [settingsA, settingsB] = [a, b].map(({ dataset, classNames, parameters, versions, device }) => ({
		dataset,
		classes: classNames?.join(", "),
		...parameters,
		...versions,
		device,
	}));
	const names = Object.keys({ ...settingsA, ...settingsB });
	const rows = names.map((name) => [name, settingsA[name] ?? "not set", settingsB[name] ?? "not set"]);
	const differ = rows.filter(([, x, y]) => x !== y);
	const same = rows.filter(([, x, y]) => x === y).map(([name, x]) => [name, x]);
	const marked = differ.map(([name, ...values]) => [
		name,
		...values.map((value) => ({ html: `<mark>${escapeHtml(value)}</mark>` })),
	]);
	return `<h2>What differs</h2>
${marked.length ? table(marked, { header: ["", "A", "B"] }) : "<p>Data set, parameters, versions and device are the same.</p>"}
<details><summary>The same in both (${same.length})</summary>${table(same)}</details>`;
}

function keyNumbers(a, b) {
	const rows = [
		["Test accuracy", ({ test }) => test?.accuracy, 5],
		["Test loss", ({ test }) => test?.loss, 5],
		["Epochs run", ({ epochsRun }) => epochsRun, 0],
		...["clean", "train", "evaluate"].map((part) => [`Seconds to ${part}`, ({ seconds }) => seconds?.[part], 1]),
		["Files removed by cleaning", ({ removed }) => removed, 0],
		...["train", "valid", "test"].map((split) => [`Pictures, ${split}`, ({ counts }) => counts[split], 0]),
	].map(([name, of, digits]) => {
		const [x, y] = [of(a), of(b)];
		const known = typeof x === "number" && typeof y === "number";
		const sign = known && y > x ? "+" : "";
		return [
			name,
			x?.toFixed(digits),
			y?.toFixed(digits),
			known ? sign + (y - x).toFixed(digits).replace("-", "−") : "",
		];
	});
	return table(rows, { header: ["", "A", "B", "B − A"], numeric: true });
}

/** Training and validation of both runs in one figure. */
function curves(runs, measure, title) {
	const validation = `val${measure[0].toUpperCase()}${measure.slice(1)}`;
	const traces = runs.flatMap(({ history }, i) =>
		[
			["training", history?.[measure], "solid"],
			["validation", history?.[validation], "dot"],
		]
			.filter(([, values]) => values?.length)
			.map(([name, y, dash]) => ({
				type: "scatter",
				mode: "lines+markers",
				name: `${"AB"[i]}, ${name}`,
				x: y.map((_, epoch) => epoch + 1),
				y,
				line: { color: COLOURS[i], dash },
			})),
	);
	if (traces.length === 0) return `<h3>${title}</h3><p>not run</p>`;
	const figure = {
		data: traces,
		layout: {
			title: { text: title },
			height: 380,
			margin: { t: 50, r: 20, b: 50, l: 60 },
			legend: { orientation: "h", y: -0.3 },
			xaxis: {
				title: { text: "Epoch" },
				tick0: 1,
				dtick: Math.ceil(Math.max(...traces.map(({ y }) => y.length)) / 10),
			},
		},
		config: { responsive: true, displaylogo: false },
	};
	// No text of the run may end the script.
	const json = JSON.stringify(figure).replaceAll("<", "\\u003c");
	return `<div class="figure" id="${measure}"></div><script>Plotly.newPlot("${measure}", ${json});</script>`;
}

const sideBySide = (runs, names, show) =>
	`<div class="side-by-side">${runs
		.map((run, i) => `<div><h3>${names[i].html}</h3>${show(run) ?? "<p>not run</p>"}</div>`)
		.join("")}</div>`;

function confusionMatrix({ confusionMatrix: matrix, classNames }) {
	if (!matrix) return null;
	const rows = matrix.map((row, i) => [classNames[i], ...row]);
	return table(rows, { header: ["true ↓ predicted →", ...classNames], numeric: true });
}

function classificationReport({ report }) {
	if (!report) return null;
	const rows = Object.entries(report).map(([name, { precision, recall, f1, support }]) => [
		name,
		...[precision, recall, f1].map((value) => value?.toFixed(4) ?? ""),
		support,
	]);
	return table(rows, { header: ["", "precision", "recall", "f1", "support"], numeric: true });
}

const day = (date) => `${date.slice(0, 16).replace("T", " ")} UTC`;
