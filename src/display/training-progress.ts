// Live progress of training.
import { randomUUID } from "node:crypto";
import type { Bundle } from "../support/kernel";
import type { Progress } from "../training/history";
import { formatDuration } from "./format";
import { progressBar } from "./progress-bar";
import { figureBundle, show } from "./show";
import { type Figure, svgOf } from "./svg";

/**
 * Shows training as it goes, in one place: a progress bar with the speed and the time left, and the curves of loss and
 * accuracy. At the end the curves stay as an interactive chart.
 *
 * @param options `id`: the place, if something is shown there already. Default: a new one below the running cell
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
		// More often than the eye can follow would only cost time.
		if (!done && now - shownAt < 500) return;
		const seconds = (now - started) / 1000;
		const bundle = done ? finished(progress, running, seconds) : underway(progress, running, seconds);
		show(bundle, { id, update });
		update = true;
		shownAt = now;
	};
}

/** The means of the epoch so far, after each batch; `x` counts in epochs. */
interface Running {
	x: number[];
	loss: number[];
	acc: number[];
}

function underway(progress: Progress, running: Running, seconds: number): Bundle {
	const { epoch, epochs, batch, batches, samples, loss, acc } = progress;
	const share = (epoch - 1 + batch / batches) / epochs;
	const left = share > 0 ? (seconds / share) * (1 - share) : 0;
	const where = `Epoch ${epoch}/${epochs}, batch ${batch}/${batches}`;
	const speed = `${Math.round(samples / seconds)} images/s, ${formatDuration(left)} left`;
	const now = `loss ${loss.toFixed(4)}, accuracy ${(100 * acc).toFixed(1)} %`;
	const chart = svgOf(liveCurves(progress, running), { width: 860, height: 280 });
	return {
		"text/html": `<div><b>${where}</b> · ${speed} · ${now}${progressBar(share)}${chart}</div>`,
		"text/plain": `${where}: ${speed}, ${now}`,
	};
}

function finished(progress: Progress, running: Running, seconds: number): Bundle {
	const { epochs, samples, history } = progress;
	const ran = history.loss.length;
	const figure = liveCurves(progress, running);
	const text = `${ran} of ${epochs} epochs in ${formatDuration(seconds)}, ${Math.round(samples / seconds)} images/s`;
	const bundle = figureBundle({ ...figure, layout: { ...figure.layout, title: { text } } });
	const lines = history.loss.map((_, i) => {
		const scores = Object.entries(history).flatMap(([name, values]) =>
			values.length ? [`${name}: ${values[i].toFixed(4)}`] : [],
		);
		return `Epoch ${i + 1}/${epochs}  ${scores.join("  ")}`;
	});
	return { ...bundle, "text/plain": [...lines, text].join("\n") };
}

/** Loss and accuracy side by side: the running means as lines, the validation at the end of each epoch. */
function liveCurves({ history }: Progress, { x, loss, acc }: Running): Figure {
	const ends = history.valLoss.map((_, i) => i + 1);
	const panel = (xaxis: string, yaxis: string, running: number[], validation: number[]) => [
		{ type: "scatter", name: "training", x, y: running, xaxis, yaxis, line: { color: "#1f77b4" } },
		{
			type: "scatter",
			mode: "lines+markers",
			name: "validation",
			x: ends,
			y: validation,
			xaxis,
			yaxis,
			line: { color: "#ff7f0e" },
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
