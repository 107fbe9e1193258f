// Shows figures, tables and pictures in a notebook, each with a plain form for where the rich one cannot be drawn.
import { randomUUID } from "node:crypto";
import sharp from "sharp";
import { type Bundle, kernel } from "../support/kernel";
import { type FileProgress, inWords } from "../support/progress";
import type { History, Progress } from "../training/train";
import { type Figure, svgOf } from "./svg";
import { escapeHtml, type Table, tableBundle } from "./table";

/** Where something is shown. Default: below the running cell, after what is there. */
export interface Place {
	/** A name for this place of the notebook. */
	id?: string;
	/** Whether it takes the place of what was shown with this `id`. Default false. */
	update?: boolean;
}

/** Shows a bundle. Outside a notebook its `text/plain` is printed. */
export function show(data: Bundle, { id, update = false }: Place = {}): void {
	const message = { data, metadata: {}, transient: id ? { display_id: id } : {} };
	const notebook = kernel();
	if (notebook) notebook.current().publish(update ? "update_display_data" : "display_data", message);
	else if (data["text/plain"]) console.log(data["text/plain"]);
}

/**
 * Shows a plotly figure, interactive in JupyterLab and in reports. Lines, bars and heat maps are also drawn as SVG, for
 * places without plotly.
 *
 * @param figure `{ data, layout }`, see the plotly.js reference
 */
export function showFigure(figure: Figure, options: Place = {}): void {
	// JupyterLab's plotly does not redraw what it has drawn; it starts anew where something else stood.
	if (options.update) show({ "text/plain": " " }, options);
	show(figureBundle(figure), options);
}

function figureBundle({ data, layout = {} }: Figure): Bundle {
	const figure = { data, layout: { ...FIGURE_LAYOUT, ...layout }, config: { responsive: true, displaylogo: false } };
	const title = (layout.title as { text?: string })?.text ?? "without a title";
	const svg = svgOf({ data, layout });
	return {
		"application/vnd.plotly.v1+json": figure,
		// Dark text on white: it may be shown as a picture, which inherits no colours.
		...(svg && { "image/svg+xml": svg.replace("<svg ", '<svg style="background:#fff;color:#444" ') }),
		"text/plain": `Figure: ${title}`,
	};
}

const FIGURE_LAYOUT = {
	height: 400,
	margin: { t: 60, r: 30, b: 60, l: 60 },
	// A long class name pushes the axis's title aside, which would stand on it otherwise.
	template: { layout: { xaxis: { automargin: true }, yaxis: { automargin: true } } },
};

/**
 * Shows rows as a table.
 *
 * @param table a danfojs DataFrame or Series, or objects with the same keys
 * @param options `maxRows`: how many rows are shown before the rest is only counted. Default 30
 */
export function showTable(table: Table, options: { maxRows?: number } & Place = {}): void {
	show(tableBundle(table, options), options);
}

/** Shows text with Markdown's marks: sentences around numbers of the run. */
export function showMarkdown(text: string): void {
	show({ "text/markdown": text, "text/plain": text });
}

/** A picture for `showImages`: a file, or pixels of 0–255. */
export interface Picture {
	/** A path, or a tensor `[height, width, 1, 3 or 4 channels]`. */
	image: string | { shape: number[]; dataSync(): ArrayLike<number> };
	/** What stands below it. */
	caption?: string;
}

/**
 * Shows pictures side by side, each with its caption.
 *
 * @param options `columns`: how many in a row, default 6; `size`: the longer side in pixels, default 112
 */
export async function showImages(pictures: Picture[], { columns = 6, size = 112 } = {}): Promise<void> {
	const figures = await Promise.all(
		pictures.map(async ({ image, caption = "" }) => {
			const png = await thumbnail(image, size);
			const picture = png
				? `<img src="data:image/png;base64,${png.toString("base64")}" alt="${escapeHtml(caption)}">`
				: `<div style="height:${size}px;display:grid;place-items:center;border:1px dashed">no picture</div>`;
			const text = `<figcaption style="font-size:smaller;overflow-wrap:anywhere">${escapeHtml(caption)}</figcaption>`;
			return `<figure style="margin:0;text-align:center;break-inside:avoid">${picture}${text}</figure>`;
		}),
	);
	const grid = `display:grid;grid-template-columns:repeat(${columns},minmax(0,${size + 40}px));gap:12px;align-items:start`;
	show({
		"text/html": `<div style="${grid}">${figures.join("")}</div>`,
		"text/plain": pictures.map(({ caption }, i) => `[picture ${i + 1}] ${caption ?? ""}`).join("\n"),
	});
}

/** Training and validation curves of one measure, as the Keras pipeline plots them. `measure` is `"acc"` or `"loss"`. */
export function curves(history: Pick<History, "loss" | "acc" | "valLoss" | "valAcc">, measure: "acc" | "loss"): Figure {
	const name = measure === "acc" ? "Accuracy" : "Loss";
	const [training, validation] = measure === "acc" ? [history.acc, history.valAcc] : [history.loss, history.valLoss];
	const trace = (y: number[], label: string) => ({
		type: "scatter",
		mode: "lines+markers",
		name: label,
		x: y.map((_, i) => i + 1),
		y,
	});
	return {
		data: [
			trace(training, `Training ${name}`),
			...(validation.length ? [trace(validation, `Validation ${name}`)] : []),
		],
		layout: {
			title: { text: `Model ${name}` },
			xaxis: { title: { text: "Epoch" }, dtick: 1 },
			yaxis: { title: { text: name } },
		},
	};
}

/**
 * A confusion matrix as a heat map: true classes down, predicted classes across.
 *
 * @param options `shares`: whether the matrix is normalized, and shown in per cent. Default false
 */
export function confusionMatrixFigure(matrix: number[][], classNames: string[], { shares = false } = {}): Figure {
	return {
		data: [
			{
				type: "heatmap",
				z: matrix,
				x: classNames,
				y: classNames,
				texttemplate: shares ? "%{z:.1%}" : "%{z}",
				colorscale: "Blues",
				reversescale: true,
			},
		],
		layout: {
			title: { text: shares ? "Confusion matrix, shares" : "Confusion matrix" },
			xaxis: { title: { text: "Predicted class" }, type: "category" },
			yaxis: { title: { text: "True class" }, type: "category", autorange: "reversed" },
		},
	};
}

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

/** Shows how far going through files has come, in one place. Gives the `onProgress` option of `cleanTheData` and `findIssues`. */
export function liveFileProgress(): (progress: FileProgress) => void {
	const id = randomUUID();
	let update = false;
	return (progress) => {
		const { done, files } = progress;
		const text = inWords(progress);
		const bar = done < files ? progressBar(done / files) : "";
		show({ "text/html": `<div>${text}${bar}</div>`, "text/plain": text }, { id, update });
		update = true;
	};
}

/** A bar in HTML. @param share of the work that is done, 0–1 */
export function progressBar(share: number): string {
	return (
		'<div style="height:6px;max-width:860px;border-radius:3px;background:rgba(128,128,128,.3)">' +
		`<div style="height:100%;width:${(100 * share).toFixed(1)}%;border-radius:3px;background:#1f77b4"></div></div>`
	);
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
	const speed = `${Math.round(samples / seconds)} images/s, ${time(left)} left`;
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
	const text = `${ran} of ${epochs} epochs in ${time(seconds)}, ${Math.round(samples / seconds)} images/s`;
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

/** Seconds in words, rounded up: `"1 min 05 s"`. */
export function time(seconds: number): string {
	const whole = Math.ceil(seconds);
	return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

async function thumbnail(image: Picture["image"], size: number): Promise<Buffer | null> {
	const fit = { width: size, height: size, fit: "inside", withoutEnlargement: false } as const;
	if (typeof image !== "string") {
		const [height, width, channels] = image.shape as [number, number, 1 | 3 | 4];
		const pixels = Uint8Array.from(image.dataSync(), (value) => Math.max(0, Math.min(255, Math.round(value))));
		return sharp(pixels, { raw: { width, height, channels } })
			.resize({ ...fit, kernel: "nearest" })
			.png()
			.toBuffer();
	}
	// A damaged picture is shown as far as it goes.
	return sharp(image, { failOn: "none" })
		.resize(fit)
		.png()
		.toBuffer()
		.catch(() => null);
}
