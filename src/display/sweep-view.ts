// Live table, parallel coordinates and curves of a sweep.
import { randomUUID } from "node:crypto";
import { formatDuration } from "../support/format";
import { Html, html } from "../support/text";
import type { Space } from "../sweep/space";
import { bestTrial, hasEnded, type Trial } from "../sweep/trial";
import { METRICS, type Metric } from "../training/history";
import { progressBar } from "./progress-bar";
import { show } from "./show";
import { COLORS, type Figure, svgOf } from "./svg";
import { tableBundle } from "./table";

/**
 * Shows the live progress of a sweep, updated in place: number of ended trials, time left, objective by epoch, and a table
 * of the trials.
 *
 * @param objective metric of the sweep. Default `"valLoss"`
 * @returns the `onChange` option of `sweep`
 */
export function liveSweep(objective: Metric = "valLoss"): (trials: Trial[]) => void {
	const id = randomUUID();
	const started = performance.now();
	let [update, isQueued] = [false, false];
	let endedBefore: number | null = null;
	const draw = (trials: Trial[]) => {
		isQueued = false;
		const seconds = (performance.now() - started) / 1000;
		show(bundleOf(trials, objective, seconds, endedBefore ?? 0), { id, update });
		update = true;
	};
	return (trials) => {
		// Trials that ended in an earlier run say nothing about the speed of this one.
		endedBefore ??= trials.filter(hasEnded).length;
		// Updates that arrive together are drawn once.
		if (!isQueued) queueMicrotask(() => draw(trials));
		isQueued = true;
	};
}

/**
 * Returns a sweep as a MIME bundle.
 *
 * @param endedBefore number of trials that ended before this run
 */
function bundleOf(trials: Trial[], objective: Metric, seconds: number, endedBefore: number) {
	const ended = trials.filter(hasEnded).length;
	const running = trials.filter(({ state }) => state === "running").length;
	const best = bestTrial(trials, objective);
	const completed = ended / trials.length;
	const left = (seconds / (ended - endedBefore)) * (trials.length - ended);
	const parts = [
		`${ended} of ${trials.length} trials`,
		...(running > 0 ? [`${running} running`] : []),
		formatDuration(seconds),
		...(running > 0 && Number.isFinite(left) ? [`about ${formatDuration(left)} left`] : []),
		...(best ? [`best: trial ${best.id}, ${METRICS[objective].title} ${best.value?.toFixed(4)}`] : []),
	];
	const table = tableBundle(trialRows(trials, objective));
	const tableHtml = new Html(String(table["text/html"]));
	const chart = new Html(svgOf(trialCurves(trials, objective), { width: 860, height: 280 }) ?? "");
	const bar = completed < 1 ? progressBar(completed) : "";
	const rest = parts.slice(1).join(" · ");
	return {
		"text/html": String(html`<div><b>${parts[0]}</b> · ${rest}${bar}${chart}${tableHtml}</div>`),
		"text/plain": `${parts.join(", ")}\n${table["text/plain"]}`,
	};
}

/** Returns the objective by epoch, one line per trial. */
function trialCurves(trials: Trial[], objective: Metric): Figure {
	const data = trials
		.filter(({ curves }) => curves[objective].length > 0)
		.map(({ id, curves }) => ({
			type: "scatter",
			mode: "lines+markers",
			name: String(id),
			x: curves[objective].map((_, epoch) => epoch + 1),
			y: curves[objective],
			line: { color: COLORS[id % COLORS.length] },
			showlegend: trials.length <= 12,
		}));
	const layout = {
		xaxis: { title: { text: "Epoch" }, dtick: 1 },
		yaxis: { title: { text: METRICS[objective].title } },
	};
	return { data, layout };
}

/**
 * Returns the trials as rows for `showTable`, with the hyperparameters that vary: running trials first, then from best to
 * worst, then failed and waiting ones.
 *
 * @param objective metric of the sweep. Default `"valLoss"`
 */
export function trialRows(trials: Trial[], objective: Metric = "valLoss"): object[] {
	const names = varying(trials);
	const sign = METRICS[objective].better === "min" ? 1 : -1;
	const rank = ({ state, value }: Trial) => {
		if (state === "running") return Number.NEGATIVE_INFINITY;
		return value === null || state === "failed" ? Number.POSITIVE_INFINITY : sign * value;
	};
	const order = (a: Trial, b: Trial) => (rank(a) === rank(b) ? a.id - b.id : rank(a) - rank(b));
	const hasErrors = trials.some(({ error }) => error);
	return [...trials].sort(order).map(({ id, parameters, state, curves, value, seconds, error }) => ({
		trial: id,
		...Object.fromEntries(names.map((name) => [name, parameters[name]])),
		state,
		epochs: curves[objective].length,
		[METRICS[objective].title]: value,
		seconds: Math.round(seconds) || null,
		...(hasErrors ? { error } : {}),
	}));
}

/**
 * Returns a parallel-coordinates plot: an axis per hyperparameter that varies, one for a trial's best value of the
 * objective over its epochs, and a line per trial that has one. Dragging along an axis filters the trials.
 *
 * @param space search space of the sweep; log-uniform hyperparameters have a logarithmic axis
 * @param objective metric of the sweep. Default `"valLoss"`
 */
export function parallelCoordinates(trials: Trial[], space: Space, objective: Metric = "valLoss"): Figure {
	const valued = trials.filter(({ value, state }) => value !== null && state !== "failed");
	const values = valued.map(({ value }) => value as number);
	const axes = varying(valued).map((name) => axisOf(name, valued, space));
	const { title, better } = METRICS[objective];
	const label = `${better === "min" ? "lowest" : "highest"} ${title}`;
	const line = {
		color: values,
		colorscale: "Viridis",
		// The best trials are dark.
		reversescale: better === "max",
		showscale: true,
		colorbar: { title: { text: label, side: "right" } },
	};
	return {
		data: [{ type: "parcoords", line, dimensions: [...axes, { label, values }] }],
		layout: { title: { text: `${valued.length} trials` }, margin: { t: 90, r: 60, b: 40, l: 60 } },
	};
}

function axisOf(label: string, trials: Trial[], space: Space): object {
	const values = trials.map(({ parameters }) => parameters[label]);
	const distribution = space[label];
	if (!values.every((value) => typeof value === "number") || isListed(distribution)) {
		const choices = [...new Set(values)].sort((a, b) => (a < b ? -1 : 1));
		const indices = values.map((value) => choices.indexOf(value));
		return { label, values: indices, tickvals: choices.map((_, i) => i), ticktext: choices.map(String) };
	}
	if (!isLogarithmic(distribution)) return { label, values };
	const powers = (values as number[]).map(Math.log10);
	const [low, high] = [Math.floor(Math.min(...powers)), Math.ceil(Math.max(...powers))];
	const ticks = Array.from({ length: high - low + 1 }, (_, i) => low + i);
	return {
		label: `${label} (log)`,
		values: powers,
		range: [low, high],
		tickvals: ticks,
		ticktext: ticks.map((power) => String(Number(`1e${power}`))),
	};
}

const isListed = (distribution: Space[string]) =>
	typeof distribution === "object" && (distribution.type === "choice" || distribution.type === "grid");

const isLogarithmic = (distribution: Space[string]) =>
	typeof distribution === "object" &&
	(distribution.type === "loguniform" || (distribution.type === "int" && distribution.log === true));

/** Returns the names of the hyperparameters that are not the same in all trials. */
const varying = (trials: Trial[]) =>
	Object.keys(trials[0]?.parameters ?? {}).filter(
		(name) => new Set(trials.map(({ parameters }) => parameters[name])).size > 1,
	);
