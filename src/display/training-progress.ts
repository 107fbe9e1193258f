// Live progress of training.
import { randomUUID } from "node:crypto";
import { formatDuration } from "../support/format";
import type { Bundle } from "../support/kernel";
import { Html, html } from "../support/text";
import type { Progress } from "../training/history";
import { progressBar } from "./progress-bar";
import { figureBundle, show } from "./show";
import { COLORS, type Figure, svgOf } from "./svg";

/**
 * Shows the live progress of training, updated in place: a progress bar with speed and time left, and the curves of loss
 * and accuracy. After training the curves become an interactive chart.
 *
 * @param options `id`: display id of an existing output to replace, default: a new output below the running cell
 * @returns the `onProgress` option of `train`
 */
export function liveProgress(options: { id?: string } = {}): (progress: Progress) => void {
	const { id = randomUUID() } = options;
	let update = options.id !== undefined;
	const started = performance.now();
	let shownAt = 0;
	const running: Running = { x: [], loss: [], acc: [] };
	return (progress) => {
		const { epoch, batch, batches, done } = progress;
		const now = performance.now();
		running.x.push(epoch - 1 + batch / batches);
		running.loss.push(progress.loss);
		running.acc.push(progress.acc);
		// Drawing more often would slow down training.
		if (!done && now - shownAt < 500) return;
		const seconds = (now - started) / 1000;
		const bundle = done ? finalBundle(progress, running, seconds) : liveBundle(progress, running, seconds);
		show(bundle, { id, update });
		update = true;
		shownAt = now;
	};
}

/** Running means of the current epoch after each batch; `x` is the number of epochs, with fractions. */
interface Running {
	x: number[];
	loss: number[];
	acc: number[];
}

/** Returns the bundle during training. */
function liveBundle(progress: Progress, running: Running, seconds: number): Bundle {
	const { epoch, epochs, batch, batches, samples, loss, acc } = progress;
	const completed = (epoch - 1 + batch / batches) / epochs;
	const left = completed > 0 ? (seconds / completed) * (1 - completed) : 0;
	const position = `Epoch ${epoch}/${epochs}, batch ${batch}/${batches}`;
	const speed = `${Math.round(samples / seconds)} images/s, ${formatDuration(left)} left`;
	const now = `loss ${loss.toFixed(4)}, accuracy ${(100 * acc).toFixed(1)} %`;
	const chart = new Html(svgOf(liveCurves(progress, running), { width: 860, height: 280 }) ?? "");
	const bar = progressBar(completed);
	return {
		"text/html": String(html`<div><b>${position}</b> · ${speed} · ${now}${bar}${chart}</div>`),
		"text/plain": `${position}: ${speed}, ${now}`,
	};
}

/** Returns the bundle after training: an interactive chart and one line per epoch. */
function finalBundle(progress: Progress, running: Running, seconds: number): Bundle {
	const { epochs, samples, history } = progress;
	const epochsRun = history.loss.length;
	const figure = liveCurves(progress, running);
	const text = `${epochsRun} of ${epochs} epochs in ${formatDuration(seconds)}, ${Math.round(samples / seconds)} images/s`;
	const bundle = figureBundle({ ...figure, layout: { ...figure.layout, title: { text } } });
	const lines = history.loss.map((_, i) => {
		const scores = Object.entries(history).flatMap(([name, values]) =>
			values.length ? [`${name}: ${values[i].toFixed(4)}`] : [],
		);
		return `Epoch ${i + 1}/${epochs}  ${scores.join("  ")}`;
	});
	return { ...bundle, "text/plain": [...lines, text].join("\n") };
}

/** Returns loss and accuracy side by side: running means as lines, validation as a marker per epoch. */
function liveCurves({ history }: Progress, { x, loss, acc }: Running): Figure {
	const ends = history.valLoss.map((_, i) => i + 1);
	const panel = (xaxis: string, yaxis: string, running: number[], validation: number[]) => [
		{ type: "scatter", name: "training", x, y: running, xaxis, yaxis, line: { color: COLORS[0] } },
		{
			type: "scatter",
			mode: "lines+markers",
			name: "validation",
			x: ends,
			y: validation,
			xaxis,
			yaxis,
			line: { color: COLORS[1] },
		},
	];
	const second = panel("x2", "y2", acc, history.valAcc).map((trace) => ({ ...trace, showlegend: false }));
	const epochAxis = { title: { text: "Epoch" }, range: [0, Math.ceil(x[x.length - 1])] };
	return {
		data: [...panel("x", "y", loss, history.valLoss), ...second],
		layout: {
			xaxis: { ...epochAxis, domain: [0, 0.45] },
			xaxis2: { ...epochAxis, domain: [0.55, 1], anchor: "y2" },
			yaxis: { title: { text: "Loss" } },
			yaxis2: { title: { text: "Accuracy" }, anchor: "x2" },
		},
	};
}
