// Shows figures, tables and pictures in a notebook, each with a plain form for where the rich one cannot be drawn.
import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import sharp from "sharp";
import type { History, Progress } from "./training";

/** A piece of output in several forms, by MIME type; the front end takes the richest it can draw. */
export type Bundle = Record<string, unknown>;

/** A plotly figure: traces and layout as plotly.js takes them. */
export interface Figure {
	data: object[];
	layout?: Record<string, unknown>;
}

/** A danfojs DataFrame, as far as it is shown. */
type Frame = { columns: string[]; values: unknown };

type Message = { data: Bundle; metadata: object; transient: { display_id?: string } };

/**
 * Shows a bundle below the running cell. Outside a notebook its `text/plain` is printed.
 *
 * @param id shows it in the place of the bundle that was shown with this id, if there is one
 */
export function show(data: Bundle, { id, update = false }: { id?: string; update?: boolean } = {}): void {
	// tslab's own display takes one MIME type a call; this is what it sends through.
	const tslab = createRequire(`${process.cwd()}/`)("tslab/dist/jupyter.js") as {
		lastWriteDisplayData: ((message: Message, update: boolean) => void) | null;
	};
	if (tslab.lastWriteDisplayData) {
		tslab.lastWriteDisplayData({ data, metadata: {}, transient: id ? { display_id: id } : {} }, update);
	} else if (data["text/plain"]) {
		console.log(data["text/plain"]);
	}
}

/**
 * Shows a plotly figure, interactive in JupyterLab and in reports.
 *
 * @param figure `{ data, layout }`, see the plotly.js reference
 */
export function showFigure({ data, layout = {} }: Figure): void {
	const figure = { data, layout: { ...FIGURE_LAYOUT, ...layout }, config: { responsive: true, displaylogo: false } };
	const title = (layout.title as { text?: string })?.text ?? "without a title";
	show({ "application/vnd.plotly.v1+json": figure, "text/plain": `Figure: ${title}` });
}

const FIGURE_LAYOUT = { height: 400, margin: { t: 60, r: 30, b: 60, l: 60 }, template: "plotly_white" };

/**
 * Shows rows as a table.
 *
 * @param table a danfojs DataFrame, or objects with the same keys
 * @param options `maxRows`: how many rows are shown before the rest is only counted. Default 30
 */
export function showTable(table: Frame | object[], { maxRows = 30 } = {}): void {
	const { columns, rows } = toRows(table);
	// A column with a fraction in it has four digits in every row.
	const digits = columns.map((_, i) => (rows.some((row) => isFraction(row[i])) ? 4 : 0));
	const shown = rows.slice(0, maxRows).map((row) => row.map((value, i) => formatCell(value, digits[i])));
	const rest = rows.length > maxRows ? `… ${rows.length - maxRows} more rows (${rows.length} in all)` : "";
	const numeric = columns.map((_, i) => rows.every((row) => typeof row[i] === "number"));
	const cell = (tag: string, text: string, i: number) =>
		`<${tag} style="text-align:${numeric[i] ? "right" : "left"}">${escapeHtml(text)}</${tag}>`;
	const line = (tag: string, cells: string[]) => `<tr>${cells.map((text, i) => cell(tag, text, i)).join("")}</tr>`;
	const html =
		`<table><thead>${line("th", columns)}</thead>` +
		`<tbody>${shown.map((row) => line("td", row)).join("")}</tbody></table>${rest && `<p>${rest}</p>`}`;
	const text = [columns, ...shown].map((row) => row.join("\t")).join("\n");
	show({ "text/html": html, "text/plain": rest ? `${text}\n${rest}` : text });
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

/** A confusion matrix as a heat map: true classes down, predicted classes across. */
export function confusionMatrixFigure(matrix: number[][], classNames: string[]): Figure {
	return {
		data: [
			{
				type: "heatmap",
				z: matrix,
				x: classNames,
				y: classNames,
				texttemplate: "%{z}",
				colorscale: "Blues",
				reversescale: true,
			},
		],
		layout: {
			title: { text: "Confusion matrix" },
			xaxis: { title: { text: "Predicted class" }, type: "category" },
			yaxis: { title: { text: "True class" }, type: "category", autorange: "reversed" },
		},
	};
}

/**
 * A progress line for `train` that is updated in place, with the finished epochs above it as Keras prints them.
 *
 * @returns the `onProgress` option of `train`
 */
export function liveProgress(): (progress: Progress) => void {
	const id = randomBytes(8).toString("hex");
	let shownAt = 0;
	let started = performance.now();
	const finished: string[] = [];
	return (progress) => {
		const { epoch, epochs, batch, batches, loss, acc, history, done } = progress;
		const ended = history.loss.length === epoch;
		if (ended && finished.length < epoch) {
			const seconds = (performance.now() - started) / 1000;
			const scores = Object.entries(history).flatMap(([name, values]) =>
				values.length ? [`${name}: ${values[epoch - 1].toFixed(4)}`] : [],
			);
			started = performance.now();
			finished.push(`Epoch ${epoch}/${epochs}  ${seconds.toFixed(0).padStart(4)} s  ${scores.join("  ")}`);
		}
		// More often than the eye can follow would only cost time.
		if (!ended && performance.now() - shownAt < 200) return;
		const bar = "━".repeat(Math.round((20 * batch) / batches)).padEnd(20, "╌");
		const now = `Epoch ${epoch}/${epochs}  ${bar}  ${batch}/${batches}  loss: ${loss.toFixed(4)}  acc: ${acc.toFixed(4)}`;
		const lines = ended || done ? finished : [...finished, now];
		show({ "text/plain": lines.join("\n") }, { id, update: shownAt > 0 });
		shownAt = performance.now();
	};
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

function toRows(table: Frame | object[]): { columns: string[]; rows: unknown[][] } {
	if (!Array.isArray(table)) return { columns: table.columns, rows: table.values as unknown[][] };
	const columns = [...new Set(table.flatMap((row) => Object.keys(row)))];
	return { columns, rows: table.map((row) => columns.map((column) => (row as Record<string, unknown>)[column])) };
}

const isFraction = (value: unknown) => typeof value === "number" && !Number.isInteger(value);

function formatCell(value: unknown, digits: number): string {
	if (typeof value === "number") return value.toFixed(digits);
	return value === null || value === undefined ? "" : String(value);
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escapeHtml = (text: string) => text.replace(/[&<>"]/g, (character) => ENTITIES[character]);
