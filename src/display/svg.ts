// Renders plotly figures as SVG.
import { type Html, html, printable } from "../support/text";

/** A plotly figure: traces and layout as in plotly.js. */
export interface Figure {
	data: object[];
	layout?: Record<string, unknown>;
}

type Value = number | string;
interface Trace {
	type?: string;
	name?: string;
	mode?: string;
	x?: Value[];
	y?: Value[];
	z?: number[][];
	xaxis?: string;
	texttemplate?: string;
	showlegend?: boolean;
	line?: { color?: string };
}
interface AxisLayout {
	title?: { text?: string };
	range?: [number, number];
	tickformat?: string;
	dtick?: number;
}
/** Scale of an axis, with its ticks. */
interface Axis {
	/** Returns the position of a value in pixels. */
	position(value: Value): number;
	ticks: Value[];
	/** Returns the label of a tick. */
	label(value: Value): string;
	/** Width of a category in pixels; 0 on a numeric axis. */
	band: number;
}
/** Colours of the traces, in order: the first eight of plotly's default palette. */
export const COLORS = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f"];

const MARGIN = { top: 44, right: 16, bottom: 48, left: 56 };
/** Width of a letter in pixels, about. */
const LETTER = 7;

/**
 * Renders a figure of `scatter` (lines and markers), `bar` and `heatmap` traces as SVG; traces on `xaxis: "x2"` get a
 * second panel next to the first.
 *
 * @param size `width` and `height` in pixels, default 700 by 400
 * @returns the SVG, in the text colour of its surroundings; null when there is a trace of another type
 */
export function svgOf({ data, layout = {} }: Figure, { width = 700, height = 400 } = {}): string | null {
	const traces = data as Trace[];
	if (!traces.every(({ type = "scatter" }) => ["scatter", "bar", "heatmap"].includes(type))) return null;
	const panels = [...new Set(traces.map(({ xaxis = "x" }) => xaxis))];
	const names = [...new Set(traces.flatMap(({ name, showlegend }) => (name && showlegend !== false ? [name] : [])))];
	const colorOf = (trace: Trace) =>
		trace.line?.color ??
		COLORS[Math.max(0, trace.name ? names.indexOf(trace.name) : traces.indexOf(trace)) % COLORS.length];
	const panelWidth = width / panels.length;
	const drawn = panels.map((id, i) => {
		const suffix = id.slice(1);
		const axes = [layout[`xaxis${suffix}`], layout[`yaxis${suffix}`]] as [AxisLayout?, AxisLayout?];
		const panelTraces = traces.filter(({ xaxis = "x" }) => xaxis === id);
		return html`<g transform="translate(${i * panelWidth} 0)">${panel(panelTraces, axes, panelWidth, height, colorOf)}</g>`;
	});
	const title = (layout.title as { text?: string } | undefined)?.text;
	const heading = title ? text(width / 2, 18, title, html`text-anchor="middle" font-size="15"`) : null;
	const key = names.length > 1 ? legend(names, traces, colorOf, width) : null;
	const size = html`viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`;
	const font = html`font-family="sans-serif" font-size="12" fill="currentColor"`;
	return String(html`<svg xmlns="http://www.w3.org/2000/svg" ${size} ${font}>${heading}${drawn}${key}</svg>`);
}

function panel(
	traces: Trace[],
	[xLayout = {}, yLayout = {}]: [AxisLayout?, AxisLayout?],
	width: number,
	height: number,
	colorOf: (trace: Trace) => string,
): Html {
	const heat = traces.find(({ type }) => type === "heatmap");
	const bars = traces.filter(({ type }) => type === "bar");
	const xs = traces.flatMap((trace) => trace.x ?? (trace.y ?? []).map((_, i) => i));
	const ys = traces.flatMap(({ y = [] }) => y);
	const nameRoom = heat ? roomOf([...xs, ...ys], Math.min(width, height) / 3) : 0;
	const [left, right, top] = [Math.max(MARGIN.left, 28 + nameRoom), width - MARGIN.right, MARGIN.top];
	const isTurned = nameRoom > (right - left) / xs.length;
	const bottom = height - MARGIN.bottom - (isTurned ? Math.max(0, nameRoom - 14) : 0);
	const x = axisOf(xs, left, right, xLayout, false, bars.length > 0 || heat !== undefined);
	// Rows of a heat map start at the top, values at the bottom.
	const y = heat
		? axisOf(ys, top, bottom, yLayout, false, true)
		: axisOf(ys, bottom, top, yLayout, bars.length > 0, false);
	const grid = heat
		? null
		: y.ticks.map((tick) => line(left, y.position(tick), right, y.position(tick), html`stroke-opacity="0.15"`));
	const fitted = (label: string) => (heat ? shortened(label, nameRoom) : label);
	const labels = [
		...x.ticks.map((tick) =>
			isTurned
				? turned(x.position(tick) + 4, bottom + 6, fitted(x.label(tick)), END)
				: text(x.position(tick), bottom + 16, fitted(x.label(tick)), MIDDLE),
		),
		...y.ticks.map((tick) => text(left - 6, y.position(tick) + 4, fitted(y.label(tick)), END)),
		text((left + right) / 2, height - 12, xLayout.title?.text ?? "", MIDDLE),
		turned(14, (top + bottom) / 2, yLayout.title?.text ?? "", MIDDLE),
	];
	const marks = traces.map((trace) => {
		if (trace.type === "heatmap") return heatCells(trace, x, y);
		if (trace.type === "bar") return barsOf(trace, bars.indexOf(trace), bars.length, x, y, colorOf(trace));
		return lineOf(trace, x, y, colorOf(trace));
	});
	return html`${grid}${heat ? null : line(left, bottom, right, bottom)}${labels}${marks}`;
}

/** Returns the width of the longest name in pixels, but at most `most`. */
const roomOf = (names: Value[], most: number) =>
	Math.min(most, LETTER * Math.max(0, ...names.map((name) => String(name).length)));

/** Returns a name that is as wide as the room for it. */
const shortened = (name: string, room: number) =>
	name.length * LETTER > room ? `${[...name].slice(0, Math.floor(room / LETTER) - 1).join("")}…` : name;

function axisOf(
	values: Value[],
	from: number,
	to: number,
	{ range, tickformat = "", dtick = 0 }: AxisLayout,
	fromZero: boolean,
	bands: boolean,
): Axis {
	if (bands || values.some((value) => typeof value === "string")) {
		const categories = [...new Set(values)];
		const band = (to - from) / Math.max(1, categories.length);
		const position = (value: Value) => from + (categories.indexOf(value) + 0.5) * band;
		return { position, ticks: categories, label: String, band: Math.abs(band) };
	}
	const numbers = (values as number[]).filter(Number.isFinite);
	const [least, greatest] = numbers.length ? [Math.min(...numbers), Math.max(...numbers)] : [0, 1];
	const space = (greatest - least || 1) * 0.05;
	const [low, high] = range ?? [fromZero ? Math.min(0, least) : least - space, greatest + space];
	const position = (value: Value) => from + (((value as number) - low) / (high - low)) * (to - from);
	const label = (value: Value) =>
		tickformat.includes("%")
			? `${+((value as number) * 100).toPrecision(4)}%`
			: String(+(value as number).toPrecision(6));
	return { position, ticks: roundNumbers(low, high, dtick), label, band: 0 };
}

/** Returns about five round numbers from `low` to `high`, at least `minStep` apart. */
function roundNumbers(low: number, high: number, minStep: number): number[] {
	const rough = (high - low) / 5;
	const power = 10 ** Math.floor(Math.log10(rough));
	const step = Math.max(minStep, power * ([1, 2, 5, 10].find((factor) => factor * power >= 0.75 * rough) ?? 10));
	const first = Math.ceil(low / step);
	return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

function lineOf({ x, y = [], mode = "lines" }: Trace, xAxis: Axis, yAxis: Axis, color: string): Html {
	const points = y.flatMap((value, i) =>
		Number.isFinite(value)
			? [[xAxis.position(x?.[i] ?? i), yAxis.position(value)].map((pixel) => pixel.toFixed(1))]
			: [],
	);
	const path = html`<polyline points="${points.join(" ")}" fill="none" stroke="${color}" stroke-width="2"/>`;
	const dots = points.map(([left, top]) => html`<circle cx="${left}" cy="${top}" r="3" fill="${color}"/>`);
	return html`${mode.includes("lines") ? path : null}${mode.includes("markers") ? dots : null}`;
}

function barsOf(trace: Trace, index: number, count: number, xAxis: Axis, yAxis: Axis, color: string): Html[] {
	const width = (0.8 * xAxis.band) / count;
	return (trace.y as number[]).map((value, i) => {
		const left = xAxis.position(trace.x?.[i] ?? i) - 0.4 * xAxis.band + index * width;
		const [top, bottom] = [yAxis.position(value), yAxis.position(0)].sort((a, b) => a - b);
		const bar = html`<rect x="${left}" y="${top}" width="${width}" height="${bottom - top}" fill="${color}"/>`;
		return html`${bar}${trace.texttemplate ? text(left + width / 2, top - 4, labelOf(value, trace.texttemplate), MIDDLE) : null}`;
	});
}

/** Formats a value as plotly does with `texttemplate`: `"%{z:.1%}"` as a percentage with one decimal place. */
function labelOf(value: number, texttemplate: string): string {
	const [, digits] = /:\.(\d+)%\}/.exec(texttemplate) ?? [];
	return digits === undefined ? String(value) : `${(100 * value).toFixed(Number(digits))}%`;
}

function heatCells({ x = [], y = [], z = [], texttemplate }: Trace, xAxis: Axis, yAxis: Axis): Html[] {
	const greatest = Math.max(...z.flat(), Number.MIN_VALUE);
	const size = html`width="${xAxis.band}" height="${yAxis.band}"`;
	return z.flatMap((row, i) =>
		row.map((value, j) => {
			const [centre, middle] = [xAxis.position(x[j] ?? j), yAxis.position(y[i] ?? i)];
			const fraction = value / greatest;
			const corner = html`x="${centre - xAxis.band / 2}" y="${middle - yAxis.band / 2}"`;
			const cell = html`<rect ${corner} ${size} fill="hsl(212 70% ${95 - 65 * fraction}%)"/>`;
			const look = html`${MIDDLE} fill="${fraction > 0.5 ? "#fff" : "#222"}"`;
			return html`${cell}${texttemplate ? text(centre, middle + 4, labelOf(value, texttemplate), look) : null}`;
		}),
	);
}

function legend(names: string[], traces: Trace[], colorOf: (trace: Trace) => string, width: number): Html[] {
	const widths = names.map((name) => LETTER * name.length + 30);
	let left = width - MARGIN.right - widths.reduce((total, entryWidth) => total + entryWidth, 0);
	return names.map((name, i) => {
		const color = colorOf(traces.find((trace) => trace.name === name) as Trace);
		const entry = html`<rect x="${left}" y="26" width="12" height="8" fill="${color}"/>${text(left + 17, 34, name)}`;
		left += widths[i];
		return entry;
	});
}

const MIDDLE = html`text-anchor="middle"`;
const END = html`text-anchor="end"`;
const line = (x1: number, y1: number, x2: number, y2: number, more?: Html) =>
	html`<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="currentColor" ${more}/>`;
// XML has no control characters, not even escaped.
const text = (x: number, y: number, content: Value, more?: Html) =>
	html`<text x="${x}" y="${y}" ${more}>${printable(String(content))}</text>`;
const turned = (x: number, y: number, content: Value, more?: Html) =>
	text(x, y, content, html`${more} transform="rotate(-90 ${x} ${y})"`);
